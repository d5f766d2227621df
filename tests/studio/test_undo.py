"""Undo and redo of ratings, across restarts, against a model that is too simple to be wrong."""

import pytest
from backend_support import LATENT
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.project.store import Feedback, ImageState, NewImage, Project, ProjectError


def test_undo_and_redo_across_restarts(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "stars", 2)
        project.rate(1, "stars", 5)
        project.rate(1, "like")
    with Project(project_folder) as project:
        change = project.undo()
        assert (change.label, change.states) == ("like", {1: ImageState(1, 5, None)})
        assert [(e.kind, e.value) for e in change.events] == [("neither", 0.0)]
        change = project.undo()
        assert [(e.kind, e.value) for e in change.events] == [("stars", 2.0)]
    with Project(project_folder) as project:
        assert (project.undo_label(), project.redo_label()) == ("2 stars", "5 stars")
        assert project.redo().states == {1: ImageState(1, 5, None)}
        assert project.redo().states == {1: ImageState(1, 5, "like")}
        assert project.redo() is None
        for _ in range(3):
            change = project.undo()
        assert [(e.kind, e.value) for e in change.events] == [("clear", 0.0)]
        assert project.undo() is None and project.undo_label() is None
        assert project.state([1])[1] == ImageState(1)


def test_a_new_rating_ends_redo_but_not_the_log(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "stars", 1)
        project.undo()
        project.rate(1, "stars", 4)
        assert project.redo() is None
        assert [e.value for e in project.opinions()] == [4.0]
        assert [e.kind for e in project.log()] == ["stars", "undo", "stars"]


def test_undo_takes_back_a_whole_selection(project_folder):
    with Project(project_folder) as project:
        project.rate(2, "reject")
        project.rate([1, 2, 3], "stars", 3)
        change = project.undo()
        assert change.states == {1: ImageState(1), 2: ImageState(2, 0, "reject"), 3: ImageState(3)}


ACTIONS = st.one_of(
    st.tuples(st.just("stars"), st.integers(0, 5), st.lists(st.integers(1, 4), min_size=1, max_size=3)),
    st.tuples(
        st.sampled_from(["like", "reject", "neither", "clear"]),
        st.just(0),
        st.lists(st.integers(1, 4), min_size=1, max_size=3),
    ),
    st.tuples(st.sampled_from(["undo", "undo", "redo", "reopen"]), st.just(0), st.just([1])),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTIONS, max_size=25))
def test_any_history_equals_a_stack_of_whole_states(tmp_path_factory, actions):
    folder = tmp_path_factory.mktemp("history") / "p"
    project = Project(folder)
    project.add_grid([NewImage(LATENT) for _ in range(4)])
    now = {image: ImageState(image) for image in range(1, 5)}
    told = dict(now)  # what a learner knows that heard every change's events and nothing else
    past, future = [], []
    for kind, value, images in actions:
        if kind == "reopen":
            project.close()
            project = Project(folder, create=False)
            continue
        if kind in ("undo", "redo"):
            change = getattr(project, kind)()
            source, target = (past, future) if kind == "undo" else (future, past)
            assert (change is None) == (not source)
            if source:
                target.append(now)
                now = source.pop()
        else:
            change = project.rate(images, kind, value)
            if change.images:
                past.append(now)
                future.clear()
                now = {**now, **change.states}
        for event in change.events if change else ():
            told[event.image] = heard(told[event.image], event)
        assert project.state(range(1, 5)) == now == told
        assert replayed(project.opinions()) == {i: s for i, s in now.items() if s.rated}
        assert project.counts().rated == sum(state.rated for state in now.values())
    project.close()


def heard(state: ImageState, event: Feedback) -> ImageState:
    if event.kind in ("stars", "clear"):
        return ImageState(state.image, int(event.value), state.flag)
    return ImageState(state.image, state.stars, None if event.kind == "neither" else event.kind)


def replayed(events: tuple[Feedback, ...]) -> dict[int, ImageState]:
    states: dict[int, ImageState] = {}
    for event in events:
        states[event.image] = heard(states.get(event.image, ImageState(event.image)), event)
    return {image: state for image, state in states.items() if state.rated}


def of_two_rounds(project: Project) -> None:
    for _ in range(2):
        path = project.new_checkpoint_path()
        path.write_bytes(b"adapter")
        project.add_checkpoint(path)


def in_use(project: Project) -> int | None:
    current = project.current_checkpoint()
    return current.id if current else None


def test_the_version_in_use_is_undone_and_redone_across_restarts(project_folder):
    with Project(project_folder) as project:
        of_two_rounds(project)
        project.set_current_checkpoint(1)
        project.set_current_checkpoint(1)  # is no action
        project.rate(1, "like")
        project.set_current_checkpoint(None)
    with Project(project_folder) as project:
        assert project.undo().label == "restore version" and in_use(project) == 1
        project.undo()
        assert in_use(project) == 1 and project.undo_label() == "restore version"
    with Project(project_folder) as project:
        project.undo()
        assert in_use(project) == 2 and project.undo() is None
        assert [project.redo().kind for _ in range(3)] == ["restore", "like", "restore"]
        assert in_use(project) is None and project.redo() is None


def test_no_restore_is_undone_where_the_version_in_use_was_lost(project_folder):
    with Project(project_folder) as project:
        of_two_rounds(project)
        project.set_current_checkpoint(1)
        project.lose_checkpoint()
        assert in_use(project) is None and project.undo() is None and project.redo() is None


def test_a_deletion_is_not_done_again_to_the_version_in_use(project_folder):
    with Project(project_folder) as project:
        of_two_rounds(project)
        project.delete_checkpoint(1)
        project.undo()
        project.set_meta(checkpoint=1)  # as an earlier Tastemaker restored it
        with pytest.raises(ProjectError, match="in use"):
            project.redo()
        assert in_use(project) == 1 and not project.checkpoint(1).deleted
        assert project.redo_label() == "delete version"


def test_a_branch_of_an_earlier_tastemaker_is_undone_and_none_stays_in_use_deleted(project_folder):
    with Project(project_folder) as project:
        of_two_rounds(project)
        branch = project.branch_checkpoint(1, "Other way")
        project._db.execute("""UPDATE events SET extra = '{"from": 1}' WHERE kind = 'branch'""")
        project.set_meta(checkpoint=branch.id)
        project.undo()
        assert in_use(project) == 1 and project.checkpoint(branch.id).deleted
        project.set_meta(checkpoint=branch.id)  # as undo left it while a round ran
    with Project(project_folder) as project:
        assert in_use(project) == 1
