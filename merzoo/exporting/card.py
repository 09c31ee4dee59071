"""The model card that travels inside an export."""

import importlib.metadata

LIMITS = (
    "For research on facial micro-expressions. Not for lie detection, hiring, school or medical "
    "decisions; the EU AI Act forbids inferring emotions at work and in education in most cases."
)
UNKNOWN = "not known: the weights came without an entry that says what they were trained on"


def class_names(model, classes, entry) -> tuple[str, ...]:
    """Names of the classes: those given, those of the weights, or numbers.

    >>> import merzoo
    >>> class_names(merzoo.create_model("ststnet"), None, None)
    ('class 0', 'class 1', 'class 2')
    """
    from merzoo import arguments
    from merzoo.errors import InputError

    if classes is not None:
        classes = arguments.class_names(classes, "classes")
    count = model.output_shape[-1]
    names = classes or (entry.classes if entry else None)
    names = tuple(names or (f"class {number}" for number in range(count)))
    if len(names) != count:
        raise InputError(f"{model.name} has {count} outputs, but {len(names)} classes are named.")
    return names


def model_card(model, exported, classes, entry, preprocessing: bool) -> dict:
    """What is known of an export, as plain JSON types.

    Args:
        model: as it was trained.
        exported: as it is exported: `model` itself, or with its preprocessing.
        classes: names of the classes.
        entry: `WeightsEntry` of the weights, or `None`.
        preprocessing: whether the inputs are raw crops.
    """
    from merzoo.modalities import modality
    from merzoo.models.registry import known_entry
    from merzoo.versions import VERSION

    known = known_entry(entry.network if entry else model.name)
    raw = "aligned face crop, RGB, 0..255"
    return {
        "network": known.name if known else model.name,
        "reference": known.reference if known else "",
        "licence": known.licence if known else "",
        "inputs": {
            tensor.name: {
                "shape": list(tensor.shape),
                "dtype": str(tensor.dtype),
                "what": raw if tensor.dtype == "uint8" else modality(tensor.name).about,
            }
            for tensor in exported.inputs
        },
        "output": {"name": "probabilities", "shape": list(exported.output_shape)},
        "classes": list(classes),
        "preprocessing_inside": preprocessing,
        "weights": entry.as_dict() if entry else UNKNOWN,
        "limits": LIMITS,
        "made_with": f"merzoo {VERSION}, keras {importlib.metadata.version('keras')}",
    }
