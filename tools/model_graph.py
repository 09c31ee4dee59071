"""Stages of a Keras graph, and a picture of them as SVG.

A stage is a connected part of the graph at one resolution: it ends where the sides of the map
change, where a branch begins or joins, or where a layer's name says so (`stage_2_...`). One box a
stage keeps a network of a hundred layers readable. The picture is plain text written here, so that
it is the same on every machine.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape

import keras

BOX_WIDTH, LINE, GAP_X, GAP_Y, MARGIN = 240, 16, 28, 30, 28
NAMED = re.compile(r"(?:\w+?_)??(?:stage|level|block)_\d+(?=_)")
SHORT = {
    "BatchNormalization": "BN",
    "LayerNormalization": "LN",
    "MultiHeadAttention": "MHA",
    "GlobalAveragePooling2D": "GlobalAvgPool",
    "GlobalMaxPooling2D": "GlobalMaxPool",
    "MaxPooling2D": "MaxPool",
    "AveragePooling2D": "AvgPool",
}
QUIET = ("Activation", "ReLU", "LeakyReLU", "Dropout", "InputLayer", "ZeroPadding2D")


@dataclass
class Stage:
    """A box: its operations in order, the stages that it reads, and the shape that leaves it."""

    resolution: tuple
    parents: set
    label: str | None
    operations: list = field(default_factory=list)
    output: tuple = ()

    @property
    def is_input(self) -> bool:
        return isinstance(self.operations[0], keras.layers.InputLayer)

    @property
    def title(self) -> str:
        if self.label:
            return self.label
        names = [x.name for x in self.operations if not _named_by_keras(x)]
        names = names or [self.operations[0].name]
        return names[0] if len(names) == 1 else f"{names[0]} ... {names[-1]}"

    @property
    def content(self) -> list[str]:
        """Kinds of layers with their number; activations and dropout are left out."""
        kinds = Counter(kind for operation in self.operations for kind in _kinds(operation))
        return [f"{n} {kind}" if n > 1 else kind for kind, n in kinds.items() if kind]


def stages(model) -> list[Stage]:
    """The stages of a functional model, in the order of its graph.

    Example:

    >>> x = keras.Input((8, 8, 3), name="apex")
    >>> y = keras.layers.Conv2D(4, 3, padding="same", name="conv")(x)
    >>> y = keras.layers.Flatten(name="flat")(keras.layers.MaxPooling2D(2, name="pool")(y))
    >>> [(s.title, s.output) for s in stages(keras.Model(x, y))]
    [('apex', (8, 8, 3)), ('conv', (8, 8, 4)), ('pool', (4, 4, 4)), ('flat', (64,))]
    """
    found, home, above = [], {}, []  # home: id of a tensor -> number of its stage
    for node in _nodes(model):
        operation, output = node.operation, node.outputs[0]
        before = frozenset(home[id(x)] for x in node.input_tensors)
        if isinstance(operation, keras.layers.ZeroPadding2D):
            home[id(output)] = min(before)  # part of the convolution that follows
            continue
        resolution, label = tuple(output.shape[1:-1]), _label(operation, output, before, found)
        number = _joins(found, above, before, resolution, label)
        if number is None:
            number = len(found)
            found.append(Stage(resolution, set(), label))
            above.append(set())
        stage = found[number]
        stage.operations.append(operation)
        stage.resolution, stage.output = resolution, tuple(output.shape[1:])
        stage.parents |= before - {number}
        above[number].update(*(above[n] | {n} for n in stage.parents))
        home.update((id(x), number) for x in node.outputs)
    return found


def _nodes(model):
    depths = model._nodes_by_depth
    return [node for depth in sorted(depths, reverse=True) for node in depths[depth]]


def _label(operation, output, before, found) -> str | None:
    """The stage that a name gives; an operation that nobody named belongs to what it reads."""
    name = NAMED.match(operation.name)
    if name:
        return name[0]
    labels = {found[n].label for n in before if len(found[n].output) == len(output.shape) - 1}
    return labels.pop() if _named_by_keras(operation) and len(labels) == 1 else None


def _named_by_keras(operation) -> bool:
    plain = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(operation).__name__)
    plain = re.sub("([a-z])([A-Z])", r"\1_\2", plain).lower()
    return re.fullmatch(rf"{plain}(_\d+)?", operation.name) is not None


def _joins(found, above, before, resolution, label) -> int | None:
    """The stage that an operation belongs to, if joining it closes no circle."""
    for number in range(len(found) - 1, -1, -1):
        stage = found[number]
        if stage.is_input or stage.label != label or any(number in above[n] for n in before):
            continue
        if label:
            return number
        same = stage.resolution == resolution
        if same and number in before and before <= stage.parents | {number}:
            return number
        if same and before and before == stage.parents and resolution not in ((), (1, 1)):
            return number
    return None


def _kinds(operation) -> list[str]:
    name = type(operation).__name__
    if isinstance(operation, keras.Model):
        return [kind for layer in operation.layers for kind in _kinds(layer)]
    if isinstance(operation, keras.layers.Bidirectional):
        return [f"Bi{type(operation.forward_layer).__name__}"]
    return ["" if name in QUIET else SHORT.get(name, name)]


def shape_text(shape) -> str:
    """(28, 28, 64) as `28 x 28 x 64`."""
    return " x ".join("any" if side is None else str(side) for side in shape)


def svg(model) -> str:
    """A picture of the model's stages, top to bottom."""
    boxes = stages(model)
    rows = _rows(boxes)
    place = _places(boxes, rows)
    width = max(x for x, _, _ in place.values()) + BOX_WIDTH + MARGIN
    height = max(y + h for _, y, h in place.values()) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="12" '
        'text-anchor="middle">',
        f"<title>{escape(model.name)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
    ]
    for number, box in enumerate(boxes):
        parts += [_arrow(place, rows, parent, number) for parent in sorted(box.parents)]
    for number, box in enumerate(boxes):
        parts.append(_box(box, *place[number]))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rows(boxes) -> list[int]:
    """Row of each box: below all that it reads, and right above the first that reads it."""
    rows = []
    for box in boxes:
        rows.append(1 + max((rows[parent] for parent in box.parents), default=-1))
    for number in reversed(range(len(boxes))):
        readers = [rows[n] for n, box in enumerate(boxes) if number in box.parents]
        rows[number] = min(readers, default=rows[number] + 1) - 1
    return rows


def _text(box) -> list[str]:
    """Lines under the title, at most about 38 characters wide."""
    lines, line = [], ""
    for part in box.content:
        if line and len(line) + len(part) > 36:
            lines.append(line + ",")
            line = part
        else:
            line = f"{line}, {part}" if line else part
    return [x for x in (*lines, line) if x]


def _places(boxes, rows) -> dict:
    """(x, y, height) of each box: under the mean of what it reads, rows from the top."""
    place, top = {}, MARGIN
    widest = max(rows.count(row) for row in set(rows))
    centre = MARGIN + (widest * (BOX_WIDTH + GAP_X) - GAP_X) / 2  # of the picture
    for row in sorted(set(rows)):
        members = [n for n in range(len(boxes)) if rows[n] == row]
        wish = {}
        for n in members:
            above = [place[p][0] for p in boxes[n].parents if p in place]
            wish[n] = sum(above) / len(above) if above else 2 * centre  # inputs to the right
        members.sort(key=lambda n: (wish[n], n))
        left = centre - (len(members) * (BOX_WIDTH + GAP_X) - GAP_X) / 2
        if len(members) == 1 and boxes[members[0]].parents:
            left = wish[members[0]]
        heights = [LINE * (2 + len(_text(boxes[n]))) + 10 for n in members]
        for i, n in enumerate(members):
            place[n] = (left + i * (BOX_WIDTH + GAP_X), top, heights[i])
        top += max(heights) + GAP_Y
    return place


def _box(box, x, y, height) -> str:
    middle = x + BOX_WIDTH / 2
    fill = "#fdf1d8" if box.is_input else "#e4eefb"
    lines = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{height:.0f}" rx="6" '
        f'fill="{fill}" stroke="#567"/>'
    ]
    texts = [("bold", box.title), *(("normal", line) for line in _text(box))]
    texts.append(("normal", shape_text(box.output)))
    for i, (weight, text) in enumerate(texts, start=1):
        colour = ' fill="#357"' if i == len(texts) else ""
        bold = ' font-weight="bold"' if weight == "bold" else ""
        if weight == "bold" and len(text) > 32:
            bold += ' font-size="10"'
        at = f'x="{middle:.0f}" y="{y + LINE * i + 2:.0f}"'
        lines.append(f"<text {at}{bold}{colour}>{escape(text)}</text>")
    return "\n".join(lines)


def _arrow(place, rows, parent, child) -> str:
    """A line from box to box; where boxes stand between, one that goes around them."""
    (x1, y1, h1), (x2, y2, _) = place[parent], place[child]
    start, end = (x1 + BOX_WIDTH / 2, y1 + h1), (x2 + BOX_WIDTH / 2, y2 - 5)
    between = [place[n][0] for n, row in enumerate(rows) if rows[parent] < row < rows[child]]
    between = [x for x in between if min(x1, x2) - BOX_WIDTH < x < max(x1, x2) + BOX_WIDTH]
    line = f"M{start[0]:.0f},{start[1]:.0f}"
    if between:
        lanes = [lane for x in between for lane in (x - GAP_X / 2, x + BOX_WIDTH + GAP_X / 2)]
        free = [lane for lane in lanes if not any(x < lane < x + BOX_WIDTH for x in between)]
        side = min(free, key=lambda lane: abs(start[0] - lane) + abs(end[0] - lane))
        line += f" v6 H{side:.0f} V{end[1] - 6:.0f} H{end[0]:.0f} v6"
    else:
        line += f" L{end[0]:.0f},{end[1]:.0f}"
    tip = f"M{end[0] - 4:.0f},{end[1]:.0f} h8 l-4,5 z"
    return f'<path d="{line}" fill="none" stroke="#567"/><path d="{tip}" fill="#567"/>'
