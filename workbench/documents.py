"""Documents: HTML files that stand alone. They have no script and ask for nothing from anywhere."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f4f6f8; color: #1f2933; font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0 0 4px; }
p { margin: 4px 0; color: #52606d; max-width: 80ch; }
section { background: #fff; border: 1px solid #dde3ea; border-radius: 8px; padding: 20px 24px; margin-top: 20px; }
ul { margin: 8px 0 0; padding-left: 20px; color: #52606d; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin-top: 20px; }
.card { background: #fff; border: 1px solid #dde3ea; border-radius: 8px; padding: 14px 18px; }
.card b { display: block; font-size: 22px; font-weight: 600; }
.card span { color: #52606d; font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin-top: 10px; }
th { text-align: right; font-weight: 600; color: #52606d; border-bottom: 2px solid #dde3ea; padding: 6px 10px; }
td { text-align: right; padding: 6px 10px; border-bottom: 1px solid #edf0f3; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child, .left, .left th, .left td { text-align: left; }
td small { display: block; color: #7b8794; font-size: 11.5px; white-space: normal; }
.block { color: #b42318; } .step_up { color: #b25e09; } .review { color: #2563a8; }
.off, .shadow { color: #7b8794; }
.unmeasured { color: #b42318; font-weight: 600; letter-spacing: .03em; }
pre { background: #f4f6f8; padding: 12px 16px; overflow-x: auto; font-size: 13px; }
svg { max-width: 100%; height: auto; margin-top: 8px; }
td:first-child { min-width: 170px; } td:last-child small { white-space: nowrap; }
"""


def document(title: str, parts: Sequence[str]) -> str:
    """A whole file; `parts` are HTML, empty ones are left out."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def cards(told: Sequence[tuple[str, str]]) -> str:
    """Figures in a row, each with what it is of."""
    shown = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in told
    )
    return f'<div class="cards">{shown}</div>'


def notes_section(notes: Sequence[str]) -> str:
    """What there is to say of the data; nothing where there is nothing."""
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<section><h2>Data and labels</h2><ul>{lines}</ul></section>" if lines else ""


def heads(*names: str) -> str:
    """The first row of a table."""
    return "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in names) + "</tr>"


def grouped(amount: str | None) -> str:
    """An amount with its thousands apart; a dash where nothing is known."""
    return "-" if amount is None else f"{Decimal(amount):,}"
