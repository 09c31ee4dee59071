"""Self-contained HTML pages: reports, comparisons, tables, searches and explanations, in one look.

The templates are in `merzoo/pages/templates`; each extends `base.html`.
"""


def render(template: str, **values: object) -> str:
    """A page from one of the templates, such as `render("explain.html", model=..., ...)`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("merzoo.pages", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = lambda value: "-" if value is None else f"{value:.3f}"
    environment.filters["first_upper"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template(template).render(zip=zip, **values)
