"""What a page of the course shows: sentences, tables, pictures; all readable without a kernel."""

import html
from base64 import b64encode

import pandas as pd
from IPython.display import display

from margin_lib import text


def say(words):
    """Show a sentence (Markdown) whose numbers were computed where it stands."""
    display({"text/markdown": words, "text/plain": words}, raw=True)


def show(picture, alt):
    """Show a picture with its alternative text, which the checks compare.

    Parameters
    ----------
    picture : plots.Picture    after `plot(state)`
    alt : str                  what the picture shows, in words and numbers
    """
    data = {"image/png": b64encode(picture.png(level=9)).decode(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def figure(png, alt, caption):
    """HTML of a picture with alternative text and a caption of several lines."""
    image = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{b64encode(png).decode()}">'
    lines = "<br>".join(html.escape(line) for line in caption)
    return f"<figure>{image}<figcaption>{lines}</figcaption></figure>"


def positions(account, marks, currency):
    """The positions of an account at given marks, as a table to read."""
    rows = []
    for position in account.positions:
        symbol = position.symbol
        price = marks[symbol]
        own = (
            position.margin if position.mode == "isolated" else position.risk(price).initial_margin
        )
        rows.append(
            {
                "position": symbol,
                "mode": position.mode,
                "side": "long" if position.quantity > 0 else "short",
                f"notional [{currency}]": text.money(position.notional(price), ""),
                f"margin [{currency}]": text.money(own, ""),
                f"borrowed [{currency}]": text.money(position.borrowed, ""),
                f"PnL [{currency}]": text.money(position.pnl(price), "", sign=True),
                "liquidation price": text.price(account.liquidation_price(symbol, marks)),
                "from here": text.percent(account.liquidation_price(symbol, marks) / price - 1),
            }
        )
    return pd.DataFrame(rows).set_index("position")
