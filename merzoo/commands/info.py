"""`merzoo info MODEL`: inputs, parameters, paper figures, readings, citation."""

from merzoo.commands._shared import add_json_option, choose_backend, print_json

SUMMARY = "show what is known of a model"
EXAMPLE = "merzoo info ststnet"


def arguments(parser):
    parser.add_argument("model", help="a name from merzoo list")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.models.catalogue import catalogue
    from merzoo.models.registry import compared_figures, model_info

    if options.model not in catalogue():  # a network that is being written is built
        choose_backend(training=False)
    info = model_info(options.model)
    if options.json:
        print_json(info | {"compared_figures": compared_figures(info)})
        return 0
    print(f"{info['name']}: {info['title']}")
    for name, shape in info["inputs"].items():
        print(f"  input       {name} {tuple(shape)}")
    if info["parameters"]:
        counts = info["parameters"]
        print(f"  output      {tuple(info['output'])}")
        print(f"  parameters  {counts['trainable']:,} trainable, {counts['total']:,} in all")
        print(f"  MACs        {info['multiply_adds']:,} multiply-adds a sample")
    for figure in compared_figures(info):
        print(f"  paper       {_beside(figure)}")
    for key in ("recipe", "reference", "url", "licence"):
        if info[key]:
            print(f"  {key:<11} {info[key]}")
    for reading in info["readings"]:
        print(f"  reading     {reading}")
    return 0


def _beside(figure: dict) -> str:
    """One figure of the paper, and ours beside it where there is one."""
    paper, ours = figure["paper"], figure["ours"]
    text = f"{paper:,.0f}" if isinstance(paper, float) and paper >= 10 else paper
    if ours is None:
        return f"{figure['figure']}: {text}"
    return f"{figure['figure']}: {text}, ours {ours:,} ({100 * figure['difference']:+.2f} %)"
