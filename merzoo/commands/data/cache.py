"""`merzoo data cache`: how large the cache of modalities is, or an empty one."""

from merzoo.errors import InputError

SUMMARY = "show or empty the cache of prepared modalities"
EXAMPLE = "merzoo data cache --size"
_NAMED = 5  # of the files that were kept


def arguments(parser) -> None:
    parser.add_argument("--size", action="store_true", help="print how much it holds")
    parser.add_argument(
        "--clear", action="store_true", help="remove what merzoo put into it, and nothing else"
    )
    parser.add_argument("--cache", metavar="FOLDER", help="the cache's folder (merzoo's home)")


def run(options) -> int:
    from merzoo.preprocessing.cache import Cache

    if options.size == options.clear:
        raise InputError("say either --size or --clear. merzoo data cache --help shows how.")
    cache = Cache(options.cache)
    arrays, size, *kept = cache.clear() if options.clear else cache.size()
    word = "removed from" if options.clear else "in"
    print(f"{arrays} arrays, {size / 1e6:.1f} MB {word} {cache.folder}")
    for others in kept:
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            names = ", ".join(others[:_NAMED])
            print(f"kept, since merzoo did not write it: {names}{more}")
    return 0
