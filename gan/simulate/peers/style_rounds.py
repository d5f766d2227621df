"""Shared by the peers that act behind the mapping: rounds of ours, as many as ours had, with a policy that shifts styles."""

from gan.model import Model
from gan.policy.rounds import Round, RoundConfig
from gan.policy.styles import Styled, StyleShift, Synthesis
from gan.rewards import MOVING_WEIGHTS
from gan.rewards.scorer import Scorer
from gan.simulate.peers.base import Given, counted
from gan.simulate.schedule import schedule


def taught(given: Given, rank: int, by_block: bool) -> Model:
    """The generator with a shift of its styles, trained on the session's ratings by the updates of `RoundConfig(policy="shift")`.

    Parameters
    ----------
    rank : number of principal directions of w per shift.
    by_block : whether each layer of the synthesis gets a shift of its own.
    """
    model, random = given.model, given.unshown()
    adapter = StyleShift.around(model.generator, rank, by_block, given.seed)
    synthesis = Synthesis(model.generator)
    scorer = Scorer(model, given.session.pool, leaves_prior=True)
    scorer.set_taste(given.session.learner.model)
    scorer.set_weights(MOVING_WEIGHTS)
    with counted(Model("synthesis", synthesis, device=model.device), given.tally):
        for _ in range(len(schedule(given.ratings))):
            for _ in Round(adapter, scorer.drawing(synthesis), RoundConfig(policy="shift"), random).run():
                pass
    styled = Styled(model.generator, adapter)
    return Model(f"{model.name}-styled", styled, None, model.discriminator, model.card, model.device)
