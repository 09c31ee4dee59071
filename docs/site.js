// What the theme leaves out: wide tables scroll sideways, and the keyboard has to reach them; the search
// is a dialog, which needs a name.
document$.subscribe(() =>
  requestAnimationFrame(() => {
    for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) table.tabIndex = 0;
    document.querySelector(".md-search").ariaLabel = "Search";
  }),
);
