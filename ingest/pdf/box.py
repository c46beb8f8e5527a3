"""Where on a PDF's page something stands, as its reader holds the page: right and up are positive, in points."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle on a page."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def area(self) -> float:
        """Zero for a box without an inside."""
        return max(0.0, self.right - self.left) * max(0.0, self.height)

    def turned(self, quarters: int) -> Box:
        """The same box on the page turned clockwise by so many quarters."""
        match quarters % 4:
            case 1:
                return Box(self.bottom, -self.right, self.top, -self.left)
            case 2:
                return Box(-self.right, -self.top, -self.left, -self.bottom)
            case 3:
                return Box(-self.top, self.left, -self.bottom, self.right)
            case _:
                return self

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.bottom, other.bottom),
            max(self.right, other.right),
            max(self.top, other.top),
        )

    def common(self, other: Box) -> Box:
        """What both cover; without an inside where they are apart."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def covers_middle_of(self, other: Box) -> bool:
        """Whether the middle of another box lies in this one."""
        across, up = (other.left + other.right) / 2, (other.bottom + other.top) / 2
        return self.left <= across <= self.right and self.bottom <= up <= self.top

    def is_above(self, other: Box) -> bool:
        """Whether it stands over another box, one under the other on the page."""
        return self.bottom >= other.top - 0.3 * min(self.height, other.height) and self.overlap_across(other) > 0

    def is_beside(self, other: Box) -> bool:
        """Whether half of the lower of the two heights is common: they stand on one line."""
        common = min(self.top, other.top) - max(self.bottom, other.bottom)
        return common >= 0.5 * min(self.height, other.height)

    def overlap_across(self, other: Box) -> float:
        """The width that both have in common; negative is the gap between them."""
        return min(self.right, other.right) - max(self.left, other.left)


class Piece(NamedTuple):
    """Letters that stand together on one line."""

    text: str
    box: Box
    size: float  # the height of its letters; the box of a line is higher where some are raised
    places: tuple[Box, ...] = ()  # of its characters without its spaces; empty on a page that is only read
