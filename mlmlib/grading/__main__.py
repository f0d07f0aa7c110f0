"""``python -m mlmlib.grading``: build exercises, grade submissions; for authors, drafts to notebooks and back."""
import argparse
import sys
from pathlib import Path

from .supervise import Limits


def main(argv=None):
    """Command line; the value is the exit code."""
    top = argparse.ArgumentParser(prog="python -m mlmlib.grading", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("build", help="build student copies and autograders")
    make.add_argument("chapters", nargs="*", help="chapters to build, e.g. 03 (default: all)")
    make.add_argument("--sources", type=Path, help="folder with the sources (default exercises)")
    make.add_argument("--out", type=Path, help="folder to build into (default _build/exercises)")
    make.add_argument("--students", type=Path, help="file with a student's number or name a line: an edition of its own for each")
    make.add_argument("--practice", action="store_true", help="a fresh variant to practice on")
    make.add_argument("--seed", type=int, help="with --practice: which variant")
    write = verbs.add_parser("write", help="write the source notebook of a draft (see mlmlib.grading.draft)")
    write.add_argument("draft", type=Path)
    write.add_argument("--sources", type=Path, default=Path("exercises"), help="folder to write it to (default exercises)")
    edit = verbs.add_parser("edit", help="print the draft of a source notebook")
    edit.add_argument("source", type=Path)
    mark = verbs.add_parser("grade", help="grade a folder of submissions to a CSV")
    mark.add_argument("submissions", type=Path, help="folder with one notebook a student")
    mark.add_argument("--out", type=Path, help="CSV to write (default _build/grades/grades.csv)")
    mark.add_argument("--autograders", type=Path, help="folder of autograders (default _build/exercises/autograder)")
    mark.add_argument("--workers", type=int, help="submissions at the same time (default: one a processor)")
    mark.add_argument("--cell-seconds", type=float, default=Limits.cell_seconds, help="time for one cell (default %(default)g)")
    mark.add_argument("--total-seconds", type=float, default=Limits.total_seconds, help="time for one submission (default %(default)g)")
    mark.add_argument("--memory-mb", type=int, default=Limits.memory_mb, help="memory for one submission (default %(default)d)")
    mark.add_argument("--gradebook", type=Path, help="an export of Canvas, Moodle or Blackboard: a copy is filled in")
    mark.add_argument("--site", default="", help="address of the book, for links on the students' pages")
    mark.add_argument("--no-pages", action="store_true", help="tables only, no pages")
    mark.add_argument("--afresh", action="store_true", help="grade everything again, also what an earlier run finished")
    mark.add_argument("--part", type=_part, metavar="I/N", help="one of N machines: grade every N-th submission, beginning with the I-th")
    mark.add_argument("--quiet", action="store_true", help="no progress bar")
    args = top.parse_args(argv)
    try:
        if args.verb == "build":
            from . import building
            where = {"sources": args.sources, "out": args.out}
            if args.students:
                lines = args.students.read_text(encoding="utf-8").splitlines()
                building.build_editions([line.strip() for line in lines if line.strip()], args.chapters, **where)
            elif args.practice:
                building.practice(args.chapters, seed=args.seed, **where)
            else:
                building.build(args.chapters, **where)
        elif args.verb in ("write", "edit"):
            _draft(args)
        else:
            from .grading import grade
            limits = Limits(args.cell_seconds, args.total_seconds, args.memory_mb)
            path = grade(args.submissions, out=args.out, autograders=args.autograders, limits=limits, workers=args.workers,
                         resume=not args.afresh, progress=not args.quiet, gradebook=args.gradebook, site=args.site, pages=not args.no_pages,
                         part=args.part)
            if args.part:
                print("part {}/{}: what was graded is in ".format(*args.part) + f"{path}; when all parts are there, grade without --part")
                return 0
            print(f"grades are in {path}")
            for beside in sorted(path.parent.glob(f"{path.stem}-*")):
                if beside.suffix in (".csv", ".html", ".md") or beside.name.endswith("-feedback"):
                    print(f"  and {beside}")
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _part(text):
    """``"2/4"`` as numbers."""
    first, _, last = text.partition("/")
    if not (first.isdigit() and last.isdigit() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of 1/4, 2/4, 3/4, 4/4, or of another number of machines")
    return int(first), int(last)


def _draft(args):
    """Draft to notebook, or notebook to draft."""
    import nbformat

    from . import draft
    if args.verb == "edit":
        print(draft.to_text(nbformat.read(args.source, as_version=4), args.source.stem), end="")
        return
    name, book = draft.to_notebook(args.draft.read_text(encoding="utf-8"))
    nbformat.write(book, args.sources / f"{name}.ipynb")
    print(f"{args.sources / name}.ipynb written")


if __name__ == "__main__":
    sys.exit(main())
