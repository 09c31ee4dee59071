"""Pages and figures in one look: the templates, what fills them in, and what draws."""
