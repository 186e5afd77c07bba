"""Bar charts as SVG text: small, without scripts, readable on light and on dark pages."""

import html

WIDTH, LABEL, BAR, GAP = 760, 250, 18, 7
OURS, OTHER, TEXT = "#2f6fde", "#9aa4b2", "#6b7480"


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(x, y, words, anchor="start", weight="normal"):
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}" fill="{TEXT}" '
        f'font-family="sans-serif" font-size="12">{html.escape(words)}</text>'
    )


def bars(title, rows, unit, limit=None):
    """`rows`: (label, value, low, high, ours). `limit` draws a line (1 = the machine's own limit)."""
    most = max([row[3] or row[1] for row in rows] + [limit or 0])
    scale = (WIDTH - LABEL - 90) / most
    top = 30
    height = top + len(rows) * (BAR + GAP) + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">']
    out.append(f"<title>{html.escape(title)}</title>")
    out.append(text(0, 16, title, weight="bold"))
    for i, (label, value, low, high, ours) in enumerate(rows):
        y = top + i * (BAR + GAP)
        out.append(text(LABEL - 8, y + 13, label, "end", "bold" if ours else "normal"))
        colour = OURS if ours else OTHER
        out.append(f'<rect x="{LABEL}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="{colour}"/>')
        end = LABEL + value * scale
        if low is not None and high is not None:
            middle = y + BAR / 2
            line = f"M{LABEL + low * scale:.1f} {middle}H{LABEL + high * scale:.1f}"
            out.append(f'<path d="{line}" stroke="{TEXT}" stroke-width="2"/>')
            end = max(end, LABEL + high * scale)
        out.append(text(end + 6, y + 13, f"{number(value)} {unit}"))
    if limit:
        x = LABEL + limit * scale
        out.append(f'<path d="M{x:.1f} {top - 6}V{height - 4}" stroke="{TEXT}" stroke-dasharray="4 3"/>')
    out.append("</svg>")
    return "\n".join(out) + "\n"
