"""Names widely known networks that cannot be imported, by the names of their tensors, so that a refusal says what the file holds."""

import re
from collections.abc import Iterable

DESCENDANT = (
    "it is a descendant of StyleGAN3 (such as StyleGAN-XL or StyleGAN-T); of this family only StyleGAN2, StyleGAN2-ADA and StyleGAN3 "
    "can be run"
)
# (pattern, searched in each name; all of them have to be found), and the clause about "it"; the first that fits is taken.
_KNOWN: tuple[tuple[tuple[str, ...], str], ...] = (
    ((r"\blora_|\blora\b",), "it holds a LoRA, an addition to a diffusion model, not a generator"),
    (
        (r"stylegan_decoder|conv_body_first",),
        "it is a restorer of faces such as GFPGAN: it turns pictures into pictures",
    ),
    ((r"\bembed_proj\.|\bup_filter4\b", r"\bsynthesis\."), DESCENDANT),  # StyleGAN-XL
    ((r"\bsynthesis\.input\.", r"\bsynthesis\.b4\."), DESCENDANT),  # StyleGAN-T
    (
        (r"\bsynthesis\.L\d+_\d+|magnitude_ema",),
        "it holds the weights of a StyleGAN3 generator without its settings; import the .pkl that they came from",
    ),
    (
        (r"\bsynthesis\.b4\.",),
        "it holds the weights of a StyleGAN2-ADA generator without its settings; import the .pkl that they came from",
    ),
    ((r"\bprogression\.\d", r"to_rgb"), "it is a StyleGAN generator of the first version, which is not known here"),
    (
        (r"time_emb|time_mlp|timestep|label_emb.*time", r"down|input_blocks|downs"),
        "it is a diffusion model, which draws in many steps; only generators that draw in one can be imported",
    ),
    ((r"\bquantize\.|codebook|vq_layer",), "it is an autoencoder with a codebook (VQ-VAE, VQGAN), whose decoder takes no random numbers"),
    (
        (r"\bgain\.weight|stored_mean", r"\bblocks\.\d"),
        "it is a BigGAN generator of another form than that of BigGAN-PyTorch, which is not known here",
    ),
    (
        (r"\bfeat_8\.", r"\bto_big"),
        "it is a FastGAN generator of another form than that of its authors' program, which is not known here",
    ),
    (
        (r"(?i)to_?rgb|rgb_layers", r"(?i)prog_|initial_block|scale_?layers"),
        "it is a progressively grown generator, which is not known here",
    ),
    ((r"qkv|query|attn|attention|self_attn",), "it has layers of attention, which no plain chain of layers has"),
)


def named(names: Iterable[str]) -> str | None:
    """What a network that cannot be imported is, as a clause about "it"; None if the names of its tensors tell nothing.

    Parameters
    ----------
    names : of its tensors, as in a state_dict.
    """
    text = "\n".join(names)
    return next((says for patterns, says in _KNOWN if all(re.search(pattern, text) for pattern in patterns)), None)
