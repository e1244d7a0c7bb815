"""Random weights for networks that understand nothing, and that say something else at every moment all the same."""
import torch

SYLLABLES = [a + b for a in 'bdfgklmnprst' for b in 'aeiou']
"""With `<unk>` and no blank: every second one begins a word, as the pieces of SentencePiece do."""
PIECES = ['<unk>', *(('\u2581' if i % 2 else '') + each for i, each in enumerate(SYLLABLES))]


@torch.no_grad()
def grained(model, levels=3, large=8000, kept=12):
    """So that the files can be compressed: rounds the weights of each matrix to a few steps on either side of zero, and of a large one keeps every twelfth."""
    for tensor in model.parameters():
        if tensor.dim() < 2:
            continue
        if tensor.numel() > large:
            tensor.mul_((torch.rand_like(tensor) < 1 / kept) * kept ** 0.5)
        grain = tensor.abs().max().clamp(min=1e-6) / levels
        tensor.copy_(torch.round(tensor / grain) * grain)


@torch.no_grad()
def untied(linear):
    """Of rounded weights two tokens can come out all but equal, and rounding of the last bit would choose among them."""
    linear.weight.add_(torch.randn_like(linear.weight) * 0.2 * linear.weight.std())


@torch.no_grad()
def centred(linear, seen, gain):
    """Shifts and scales what goes into a linear layer to mean 0 and deviation `gain` over what was seen of a recording.

    Without training the outputs of an encoder hardly differ from one moment to the next, and the same token would win all the time.
    """
    spread = seen.std(0)
    scale = gain / spread.clamp(min=float(spread.mean()) / 3)
    weight = linear.weight.reshape(linear.weight.shape[0], -1)
    linear.bias -= (weight * scale) @ seen.mean(0)
    linear.weight.copy_((weight * scale).reshape(linear.weight.shape))


@torch.no_grad()
def blank_share(bias, logits, blank, share, tokens):
    """Shifts the bias of the blank so that it wins in this share of the frames."""
    others = logits[:, [i for i in range(tokens) if i != blank]].max(1).values
    bias[blank] += torch.quantile(others - logits[:, blank], share)
