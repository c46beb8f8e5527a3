"""The trained reader's network: one encoder that sees two texts at once, and three heads on it.

Imported only when a reader is loaded or trained: torch takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from rag.reader_pairs import Stretch


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs of texts as token ids, each of shape (pairs, tokens). `kinds` is 1 where the second text is."""

    ids: Tensor
    kinds: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Heads:
    """Log odds: of each token to be the answer's first and its last, shape (pairs, tokens), the first token standing
    for no answer; that the second text is of use for the first, (pairs,); supported, refuted, not enough, (pairs, 3).
    """

    start: Tensor
    end: Tensor
    relevance: Tensor
    support: Tensor


class ReaderNetwork(nn.Module):
    """`encoder` is a BERT without a pooling layer."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder: nn.Module = encoder
        self.span = nn.Linear(width, 2)
        self.relevance = _head(width, 1)
        self.support = _head(width, 3)

    def forward(self, batch: Batch) -> Heads:
        """What the heads say of each pair."""
        device = self.span.weight.device
        ids, kinds, mask = batch.ids.to(device), batch.kinds.to(device), batch.mask.to(device)
        encoded = self.encoder(input_ids=ids, token_type_ids=kinds, attention_mask=mask)
        states = encoded.last_hidden_state.float()  # the heads stay exact where the encoder is not
        spans = self.span(states).float()
        open_to_answers = kinds.bool() & mask.bool()
        open_to_answers[:, 0] = True
        spans = spans.masked_fill(~open_to_answers[..., None], -1e4)
        whole = states[:, 0]
        return Heads(
            spans[..., 0], spans[..., 1], self.relevance(whole).float().squeeze(-1), self.support(whole).float()
        )


def _head(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Dropout(0.1), nn.Linear(width, outputs))


def batch_of(stretches: Sequence[Stretch]) -> Batch:
    """Stretches of different lengths, filled up with zeros, which BERT's vocabulary pads with."""
    longest = max(len(stretch.ids) for stretch in stretches)
    filled = torch.zeros((3, len(stretches), longest), dtype=torch.long)
    for row, stretch in enumerate(stretches):
        filled[0, row, : len(stretch.ids)] = torch.tensor(stretch.ids)
        filled[1, row, : len(stretch.ids)] = torch.tensor(stretch.kinds)
        filled[2, row, : len(stretch.ids)] = 1
    return Batch(*filled)


def load_network(weights: Path, folder: Path, dtype: str) -> ReaderNetwork:
    """The network of some packed weights, its encoder shaped as a model's folder says and its numbers of this type."""
    network = ReaderNetwork(BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False))
    network.load_state_dict(unpacked(weights))
    network.encoder.to(dtype=getattr(torch, dtype))
    return network


def packed(network: ReaderNetwork, path: Path) -> None:
    """Write a network's weights: those of a matrix as whole numbers of -127 to 127 times a scale for each row."""
    stored: dict[str, Tensor] = {}
    for name, weight in network.state_dict().items():
        weight = weight.cpu()
        if weight.ndim < 2:
            stored[name] = weight.half()
            continue
        scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
        stored[name] = (weight / scale).round().to(torch.int8)
        stored[f"{name}.scale"] = scale.half()
    save_file(stored, path)


def unpacked(path: Path) -> dict[str, Tensor]:
    """The weights that `packed` has written, as a network takes them."""
    stored = load_file(path)
    return {
        name: weight.float() * stored[f"{name}.scale"].float() if f"{name}.scale" in stored else weight.float()
        for name, weight in stored.items()
        if not name.endswith(".scale")
    }
