"""What exchanges answer about an account -> Account: one reader for each kind of answer.

A reader goes from an answer, as JSON gives it, to statements, one for each currency that positions
settle in. It takes what venues do (numbers as words, wrappers around the list, empty positions) and
guesses nothing: what an answer does not tell is a MarginError that says so. The rules of venues are
in venues.toml; a maintenance margin that the exchange prints counts before our table.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError, number, one_number
from margin_lib.venues import Venue, names, venue

SYMBOL = re.compile(  # BTCUSDT, BTCUSD_PERP, BTCPERP, BTCUSDM24, BTC-USDT-SWAP, BTC/USDT:USDT
    r"(?P<coin>[A-Z0-9]+?)[-/]?(?P<money>USDT|USDC|BUSD|FDUSD|USD|PERP|BTC)"
    r"(?::(?P<settle>[A-Z0-9]+).*|[-_].*|[A-Z]\d\d)?"
)
NESTS = "result", "data", "list", "positions", "assetPositions", "position"  # around the rows
WALLETS = "result", "data", "list", "details", "coin", "assets"
NEVER = 999_999  # printed by some venues where no price liquidates
TABLE, PRINTED_MARGIN, PRINTED_PRICE = "table of ", "printed margin", "printed price"
SAME = 0.005  # a table within this share of a printed margin is the exchange's own
SIDES = {"long": 1, "buy": 1, "short": -1, "sell": -1}

Sizes = Mapping[str, float] | float
Balance = Any  # a number, a mapping from currency to number, or what an exchange answers


class Row(NamedTuple):
    """One open position as an exchange tells it; None is what it does not tell.

    Parameters
    ----------
    name : str                 of the instrument
    coin, money : str          what is traded, and the currency that it settles in
    contracts : float          signed [contract]
    size : float or None       of one contract [coin; inverse: quote]
    entry, mark : float        [quote per coin]
    leverage : float           [1]
    margin : float or None     own margin without open profit; None in cross [quote; inverse: coin]
    printed : float            liquidation price, NaN for none [quote per coin]
    asked : float or None      maintenance margin without a fee [quote; inverse: coin]
    ratio : float or None      equity of the shared balance / what is asked of it, fees included [1]

    >>> Row("ETHUSDT", "ETH", "USDT", 2.0, 1.0, 2000.0, 2000.0, 10.0, 400.0, 1807.2).ratio is None
    True
    """

    name: str
    coin: str
    money: str
    contracts: float
    size: float | None
    entry: float
    mark: float
    leverage: float
    margin: float | None
    printed: float
    asked: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """An account in one currency as its exchange tells it, under the rules of that venue.

    Parameters
    ----------
    venue : Venue              whose rules hold
    currency : str             of the balance and of margins
    account : Account          a symbol is the instrument's name, with its side where both are open
    marks : Mapping            market -> mark price [quote per coin]
    printed : Mapping          symbol -> liquidation price of the exchange, NaN: none is printed
                               [quote per coin]
    coins : Mapping            symbol -> coin
    basis : Mapping            symbol -> what its maintenance margin is from: "table of " and a day,
                               PRINTED_MARGIN where the exchange prints another one, PRINTED_PRICE
                               where all else is missing: the rate at which the printed
                               liquidation price of an isolated position is right
    balance_known : bool       money beside isolated margins was told; else it counts as 0

    >>> from margin_lib.account import Account
    >>> empty = Account(balance=5)
    >>> Statement(venue=venue("okx"), currency="USDT", account=empty, marks={}, printed={},
    ...           coins={}, basis={}).balance_known
    True
    """

    venue: Venue
    currency: str
    account: Account
    marks: Mapping[str, float]
    printed: Mapping[str, float]
    coins: Mapping[str, str]
    basis: Mapping[str, str]
    balance_known: bool = True


class _Told:
    """What a row tells: numbers by name, the first name that has one."""

    def __init__(self, row: Mapping[str, Any], name: str) -> None:
        self.row, self.name = row, name

    def __call__(self, *keys: str) -> Any:
        for key in keys:
            value = self.row.get(key)
            if value is not None and value != "":
                try:
                    value = float(value) if isinstance(value, str) else value
                except ValueError:
                    raise MarginError(f"{key} of {self.name}", "must be a number", value) from None
                return float(one_number(f"{key} of {self.name}", value))
        return None

    def must(self, *keys: str) -> float:
        value = self(*keys)
        if value is None:
            raise MarginError(f"{keys[0]} of {self.name}", "must be told", None)
        return value

    def margin(self, mode: Any, own: float | None) -> float | None:
        """None in cross, the own margin in isolated mode."""
        mode = str(mode or "").lower()
        if mode not in ("isolated", "cross", "crossed"):
            rule = "must be told: isolated or cross"
            raise MarginError(f"mode of {self.name}", rule, repr(mode))
        if mode == "isolated" and own is None:
            raise MarginError(f"margin of {self.name}", "must be told: it is isolated", None)
        return own if mode == "isolated" else None

    def printed(self, key: str) -> float:
        price = self(key)
        return price if price and price > 0 and int(price) != NEVER else float("nan")


def binance(answer: Any, balance: Balance = None, sizes: Sizes | None = None) -> list[Statement]:
    """Binance futures: GET positionRisk, version 2 or 3, USD-M or COIN-M.

    Parameters
    ----------
    answer : list or dict      as JSON gives it, with or without what is wrapped around the rows
    balance : number, Mapping or None  money beside isolated margins, of the one currency or by
                               currency; or the exchange's own answer about balances. It must be
                               told where a position is in cross, unless the answer tells it
                               [quote; inverse: coin]
    sizes : Mapping, number or None    instrument -> size of a contract, or one for all, where the
                               answer does not tell it [coin; inverse: quote]

    Returns
    -------
    list of Statement          one a currency, none where nothing is open

    Raises
    ------
    MarginError                an unknown symbol; an entry, mode, balance or size that is not told

    Equation:  own margin = isolated wallet, or isolated margin − profit

    Source: Binance's documentation of derivatives, "Position information", V2 and V3.

    >>> row = {"symbol": "ETHUSDT", "positionAmt": "2", "entryPrice": "2000", "markPrice": "2000",
    ...        "leverage": "10", "marginType": "isolated", "isolatedWallet": "400"}
    >>> binance([row])[0].account["ETHUSDT"].margin
    400.0
    """

    def read(row: Mapping) -> Row:
        name, coin, money = _names(row, "symbol", "marginAsset")
        told = _Told(row, name)
        contracts, mark = told("positionAmt"), told.must("markPrice")
        gain, value = told("unRealizedProfit", "unrealizedProfit"), told("notionalValue")
        own, held = told("isolatedWallet"), told("isolatedMargin")
        if not own and held:
            own = _less(held, gain)
        mode = row.get("marginType")
        if mode is None and own is not None:  # V3 does not say; a position without margin is cross
            mode = "isolated" if own else "cross"
        size = 1.0 if coin != money else value and abs(value * mark / contracts)
        leverage, first = told("leverage"), told("positionInitialMargin", "initialMargin")
        if leverage is None and first:
            leverage = abs(told.must("notional", "notionalValue")) / first
        return Row(
            *(name, coin, money, contracts, size, told.must("entryPrice"), mark),
            *(_Told({"leverage": leverage}, name).must("leverage"), told.margin(mode, own)),
            told.printed("liquidationPrice"),
            asked=told("maintMargin"),
        )

    return statements(
        "binance", [read(row) for row in _open(answer, "positionAmt")], balance, sizes
    )


def bybit(
    answer: Any, balance: Balance = None, sizes: Sizes | None = None, mode: str | None = None
) -> list[Statement]:
    """Bybit: GET /v5/position/list, linear or inverse.

    Parameters
    ----------
    answer, balance, sizes : as for `binance`
    mode : str or None         of all positions, as unified accounts have it: they answer tradeMode
                               0 in both modes, which without this is read as cross

    Returns and errors as for `binance`.

    Equation:  maintenance margin = positionMM − taker fee · value at the bankruptcy price

    Source: Bybit's documentation of API v5, "Get position info"; help centre, "Maintenance margin".

    >>> row = {"symbol": "ETHUSDT", "side": "Sell", "size": "2", "avgPrice": "2000",
    ...        "markPrice": "2000", "leverage": "10", "tradeMode": 1, "positionBalance": "400"}
    >>> bybit({"result": {"list": [row]}})[0].account["ETHUSDT"].quantity
    -2.0
    """

    def read(row: Mapping) -> Row:
        name, coin, money = _names(row, "symbol")
        told = _Told(row, name)
        contracts, entry = _side(row, name) * told("size"), told.must("avgPrice", "entryPrice")
        said = {"0": "cross", "1": "isolated"}.get(str(row.get("tradeMode")))
        margin = told.margin(mode or said, told("positionBalance"))
        asked, end = told("positionMM"), told("bustPrice")
        if asked is not None:
            at = end if end and end > 0 and int(end) != NEVER else entry
            fee = _house("bybit", coin == money).taker_fee
            asked -= fee * formulas.notional(contracts, at, coin == money)
        return Row(
            *(name, coin, money, contracts, 1.0, entry, told.must("markPrice")),
            *(told.must("leverage"), margin, told.printed("liqPrice")),
            asked=asked if asked and asked > 0 else None,
        )

    return statements("bybit", [read(row) for row in _open(answer, "size")], balance, sizes)


def okx(answer: Any, balance: Balance = None, sizes: Sizes | None = None) -> list[Statement]:
    """OKX: GET /api/v5/account/positions, swaps and futures.

    A contract's size (ctVal) is not in the answer. It is taken from `sizes`, from the printed
    profit (which is exact), or from our table. Without a balance, the printed margin ratio says
    what is in it.

    Parameters, returns and errors as for `binance`.

    Equations:  size = profit / (contracts · move since entry);
    equity of the balance = margin ratio · (maintenance margins + fees of closing)

    Source: OKX's documentation of API v5, "Get positions"; "Margin ratio".

    >>> row = {"instId": "ETH-USDT-SWAP", "ccy": "USDT", "pos": "20", "posSide": "short",
    ...        "avgPx": "2000", "markPx": "2000", "lever": "10", "mgnMode": "isolated",
    ...        "margin": "400"}
    >>> okx({"code": "0", "data": [row]})[0].account["ETH-USDT-SWAP"].units
    -2.0
    """

    def read(row: Mapping) -> Row:
        name, coin, money = _names(row, "instId", "ccy")
        told = _Told(row, name)
        if row.get("instType", "SWAP") not in ("SWAP", "FUTURES"):
            raise MarginError(f"kind of {name}", "must be SWAP or FUTURES", row["instType"])
        contracts = told("pos") if row.get("posSide") != "short" else -abs(told("pos"))
        entry, mark, gain = told.must("avgPx"), told.must("markPx"), told("upl")
        move = formulas.pnl(contracts, entry, mark, inverse=coin == money)
        size = float(f"{gain / move:.6g}") if gain and move else None
        return Row(
            *(name, coin, money, contracts, size, entry, mark, told.must("lever")),
            *(told.margin(row.get("mgnMode"), told("margin")), told.printed("liqPx")),
            asked=told("mmr"),
            ratio=told("mgnRatio") if row.get("mgnMode") == "cross" else None,
        )

    return statements("okx", [read(row) for row in _open(answer, "pos")], balance, sizes)


def hyperliquid(
    answer: Any, balance: Balance = None, sizes: Sizes | None = None
) -> list[Statement]:
    """Hyperliquid: clearinghouseState, which tells the balance, too.

    Parameters, returns and errors as for `binance`.

    Equations:  mark = position value / size;  own margin = margin used − profit;
    balance = account value of cross − profit of the cross positions

    Source: Hyperliquid's documentation, "Perpetuals info endpoint"; ccxt/ccxt#27078.

    >>> row = {"coin": "ETH", "szi": "2", "entryPx": "2000", "positionValue": "4200",
    ...        "unrealizedPnl": "200", "marginUsed": "600", "maxLeverage": 25,
    ...        "leverage": {"type": "isolated", "value": 10}}
    >>> state = {"crossMarginSummary": {"accountValue": "50"}, "assetPositions": [row]}
    >>> account = hyperliquid(state)[0].account
    >>> account.balance, account["ETH"].margin
    (50.0, 400.0)
    """

    def read(row: Mapping) -> Row:
        name = _name(row, "coin")
        terms, told = row.get("leverage"), _Told(row, name)
        terms = terms if isinstance(terms, Mapping) else {}
        contracts, value, gain = told("szi"), told.must("positionValue"), told.must("unrealizedPnl")
        own, cap = told("marginUsed"), told("maxLeverage")
        return Row(
            *(name, name, "USDC", contracts, 1.0, told.must("entryPx"), value / abs(contracts)),
            *(_Told(terms, name).must("value"), told.margin(terms.get("type"), _less(own, gain))),
            told.printed("liquidationPx"),
            asked=cap and value / (2 * cap),
        )

    rows = [read(row) for row in _open(answer, "szi")]
    cross = answer.get("crossMarginSummary") if isinstance(answer, Mapping) else None
    if balance is None and isinstance(cross, Mapping):
        shared = (r for r in rows if r.margin is None)
        gains = sum(formulas.pnl(r.contracts, r.entry, r.mark) for r in shared)
        balance = _Told(cross, "the balance").must("accountValue") - gains
    return statements("hyperliquid", rows, balance, sizes)


def ccxt(
    answer: Any, balance: Balance = None, sizes: Sizes | None = None, house: str = ""
) -> list[Statement]:
    """ccxt: what `fetch_positions` gives; or "positions" and "balance" (of `fetch_balance`).

    Where all positions bring along the exchange's own answer (`info`) in a form that is known here,
    that is read: `collateral` and `total` do not mean the same for all exchanges.

    Parameters
    ----------
    answer, balance, sizes : as for `binance`
    house : str                ccxt's id of the exchange, where `info` does not show it

    Returns and errors as for `binance`.

    Equation:  own margin = collateral − profit

    Source: ccxt's manual, "Position structure" (collateral is affected by the profit).

    >>> row = {"symbol": "ETH/USDT:USDT", "side": "long", "contracts": 2, "contractSize": 1,
    ...        "entryPrice": 2000, "markPrice": 2100, "leverage": 10, "marginMode": "isolated",
    ...        "collateral": 600, "unrealizedPnl": 200}
    >>> ccxt([row], house="binance")[0].account["ETH/USDT:USDT"].margin
    400.0
    """

    def read(row: Mapping) -> Row:
        name, coin, money = _names(row, "symbol")
        told = _Told(row, name)
        own, gain = told("collateral"), told("unrealizedPnl")
        asked, share = told("maintenanceMargin"), told("maintenanceMarginPercentage")
        contracts, size, mark = told("contracts"), told("contractSize"), told.must("markPrice")
        if not asked and share and size:
            asked = share * formulas.notional(contracts * size, mark, coin == money)
        return Row(
            *(name, coin, money, _side(row, name) * abs(contracts), size),
            *(told.must("entryPrice"), mark, told.must("leverage")),
            told.margin(
                row.get("marginMode"), own - gain if own is not None and gain is not None else None
            ),
            told.printed("liquidationPrice"),
            asked=asked or None,
        )

    if isinstance(answer, Mapping) and balance is None:
        balance = answer.get("balance")
    rows = list(_open(answer, "contracts"))
    own: list[Any] = [next(_rows(row.get("info"), NESTS), {}) for row in rows]
    kinds = {kind_of(info) for info in own}
    if len(kinds) == 1 and (kind := kinds.pop()) in RAW:
        house = house or kind
        whole = balance.get("info") if isinstance(balance, Mapping) else None
        key, pairs = RAW[kind][1], zip(own, rows, strict=True)
        given: Any = sizes
        if sizes is None or isinstance(sizes, Mapping):
            told = {_name(info, key): row.get("contractSize") for info, row in pairs}
            given = {n: size for n, size in told.items() if size} | dict(sizes or {})
        with suppress(MarginError):  # where its own answer is cut short, the unified one counts
            if kind == "hyperliquid" and isinstance(whole, Mapping) and "assetPositions" in whole:
                return hyperliquid(whole)
            return READERS[kind](own, balance, given)
    return statements(house, [read(row) for row in rows], balance, sizes)


def from_ccxt(exchange: Any) -> list[Statement]:
    """An account as it is now, through an exchange object of ccxt with a read-only key.

    The key stays in that object: nothing here reads, shows or stores it.

    Parameters
    ----------
    exchange : object          of ccxt: it has `id`, `fetch_positions` and `fetch_balance`

    Returns and errors as for `binance`. Source as for `ccxt`.

    >>> class Exchange:
    ...     id, fetch_positions, fetch_balance = "okx", lambda self: [], lambda self: {}
    >>> from_ccxt(Exchange())
    []
    """
    return ccxt(exchange.fetch_positions(), exchange.fetch_balance(), house=exchange.id)


def statements(
    house: str, rows: Sequence[Row], balance: Balance = None, sizes: Sizes | None = None
) -> list[Statement]:
    """Rows of one exchange as accounts, one a currency.

    Parameters
    ----------
    house : str                name of a venue, or how one begins: "bybit"
    rows : sequence of Row
    balance, sizes : as for `binance`

    Returns and errors as for `binance`. Source as for `binance`.

    Equation:  where no balance is told: equity = ratio · what is asked

    >>> row = Row("ETH", "ETH", "USDT", 2.0, 1.0, 2000.0, 2000.0, 10.0, None, float("nan"))
    >>> statements("okx", [row], balance=500)[0].account.balance
    500.0
    """
    moneys = list(dict.fromkeys(row.money for row in rows))
    if len(moneys) > 1 and balance is not None and not isinstance(balance, Mapping | list | tuple):
        raise MarginError("balance", f"must be told for each of {', '.join(moneys)}", balance)
    return [
        _statement(house, [row for row in rows if row.money == money], money, balance, sizes or {})
        for money in moneys
    ]


RAW = {  # kind -> what only its rows have, and where they name the instrument
    "binance": ("positionAmt", "symbol"),
    "bybit": ("avgPrice", "symbol"),
    "okx": ("posSide", "instId"),
    "hyperliquid": ("szi", "coin"),
    "ccxt": ("marginMode", "symbol"),
}
READERS: dict[str, Callable[..., list[Statement]]] = {
    "binance": binance, "bybit": bybit, "okx": okx, "hyperliquid": hyperliquid, "ccxt": ccxt,
}  # fmt: skip


def kind_of(answer: Any) -> str:
    """Which reader an answer is for; "" where no row shows it.

    Parameters
    ----------
    answer : object            as JSON gives it

    Returns
    -------
    str                        a name in `READERS`

    >>> kind_of({"data": [{"instId": "ETH-USDT-SWAP", "posSide": "net"}]})
    'okx'
    """
    rows = list(_rows(answer, NESTS))
    for kind in ("ccxt", *RAW):
        if rows and all(RAW[kind][0] in row for row in rows):
            return kind
    if isinstance(answer, Mapping) and "crossMarginSummary" in answer:
        return "hyperliquid"
    return ""


def _rows(answer: Any, nests: Sequence[str]) -> Iterator[Mapping]:
    """The mappings of an answer that hold no list of others themselves."""
    if isinstance(answer, list | tuple):
        for each in answer:
            yield from _rows(each, nests)
    elif isinstance(answer, Mapping):
        inner = [answer[k] for k in nests if isinstance(answer.get(k), list | tuple | Mapping)]
        if inner:
            for each in inner:
                yield from _rows(each, nests)
        else:
            yield answer


def _open(answer: Any, size: str) -> Iterator[Mapping]:
    """The rows that hold something."""
    if isinstance(answer, Mapping):
        for key, words in (("retCode", "retMsg"), ("code", "msg")):
            if str(answer.get(key, 0)) not in ("0", ""):
                raise MarginError("answer", "must hold positions", repr(answer.get(words)))
    if not isinstance(answer, list | tuple | Mapping):
        raise MarginError("answer", "must be a list or a mapping", type(answer).__name__)
    for row in _rows(answer, NESTS):
        if size not in row:
            if set(row) & {"crossMarginSummary", *NESTS}:
                continue
            raise MarginError("answer", f"must hold positions, each with {size}", list(row)[:5])
        if _Told(row, str(row.get("symbol", "a position")))(size):
            yield row


def _name(row: Mapping, key: str) -> str:
    name = row.get(key)
    if not isinstance(name, str) or not name:
        raise MarginError(key, "must be told", repr(name))
    return name


def _names(row: Mapping, key: str, money: str = "") -> tuple[str, str, str]:
    """Instrument, coin, and the currency that it settles in."""
    name = _name(row, key)
    found = SYMBOL.fullmatch(name)
    if not found:
        raise MarginError("symbol", "must be one of coin and currency, as BTCUSDT", repr(name))
    coin, quote, settle = found.groups()
    by_name = settle or {"USD": coin, "PERP": "USDC"}.get(quote, quote)
    return name, coin, row.get(money) or by_name


def _less(held: float | None, gain: float | None) -> float | None:
    """A margin without the open profit, where both were told."""
    return None if held is None or gain is None else held - gain


def _side(row: Mapping, name: str) -> int:
    side = row.get("side")
    if str(side).lower() not in SIDES:
        raise MarginError(f"side of {name}", f"must be one of {', '.join(SIDES)}", repr(side))
    return SIDES[str(side).lower()]


def _house(name: str, inverse: bool) -> Venue:
    """The venue of an exchange's name for contracts of a kind, or else for any."""
    if name in names():
        return venue(name)
    known = [venue(each) for each in names() if name.startswith(each.split()[0])]
    fits = [each for each in known if each.inverse == inverse] or known
    return fits[0] if fits else venue(name)


def _wallet(balance: Any, money: str, locked: float) -> float | None:
    """Money beside isolated margins: as it is told, or out of what an exchange answers."""
    if balance is None or not isinstance(balance, Mapping | list | tuple):
        return None if balance is None else one_number("balance", balance)
    inner = balance.get("info") if isinstance(balance, Mapping) else None
    for row in _rows(inner if isinstance(inner, Mapping | list) else balance, WALLETS):
        told = _Told(row, money)
        if money not in (row.get("asset"), row.get("coin"), row.get("ccy")):
            continue
        if "crossWalletBalance" in row:
            return told.must("crossWalletBalance")
        if "eq" in row:  # with all open profit
            parts = (told(key) or 0 for key in ("isoEq", "upl"))
            return told.must("eq") - sum(parts) + (told("isoUpl") or 0)
        return told.must("walletBalance", "balance") - locked
    if isinstance(balance, Mapping):
        total = balance.get("total")
        whole = total.get(money) if isinstance(total, Mapping) else None
        each = balance.get(money)
        whole = each.get("total") if whole is None and isinstance(each, Mapping) else whole
        if whole is not None:
            return _Told({"total": whole}, money).must("total") - locked
        return None if isinstance(each, Mapping) else _Told(balance, "the balance")(money)
    return None


def _statement(
    house: str, rows: Sequence[Row], money: str, balance: Balance, sizes: Sizes
) -> Statement:
    place = _house(house, any(row.coin == money for row in rows))
    held: dict[str, Position] = {}
    basis, printed, coins = {}, {}, {}
    for row in rows:
        contract, origin = _contract(place, row, sizes)
        side = "long" if row.contracts > 0 else "short"
        twins = [each for each in rows if each.name == row.name]
        symbol = row.name if len(twins) == 1 else f"{row.name} {side}"
        if symbol in held:
            symbol += " cross" if row.margin is None else " isolated"
        contract = replace(contract, symbol=symbol, market=row.name)
        held[symbol] = Position(
            contract=contract, quantity=row.contracts, entry_price=row.entry,
            leverage=row.leverage, margin=row.margin,
        )  # fmt: skip
        basis[symbol], printed[symbol], coins[symbol] = origin, row.printed, row.coin
    marks = {row.name: float(number(f"mark of {row.name}", row.mark, above=0)) for row in rows}
    cross = [row for row in rows if row.margin is None]
    told = _wallet(balance, money, sum(position.own_margin for position in held.values()))
    if told is None and cross and all(row.ratio for row in cross):
        shared = Account(balance=0, positions=[p for p in held.values() if p.margin is None])
        risk = shared.risk(marks)
        told = cross[0].ratio * risk.maintenance_margin - risk.equity
    if told is None and cross:
        rule = "must be told: it is in cross, and its answer does not say what is in the balance"
        raise MarginError(f"{money} balance behind {cross[0].name}", rule, None)
    account = Account(balance=told or 0, positions=list(held.values()))
    return Statement(
        venue=place, currency=money, account=account, marks=marks, printed=printed,
        coins=coins, basis=basis, balance_known=told is not None,
    )  # fmt: skip


def _contract(place: Venue, row: Row, sizes: Sizes) -> tuple[Contract, str]:
    """A row's contract under its venue's rules, and what its maintenance margin is from."""
    table = next((t for t in place.tables if (t.symbol, t.money) == (row.coin, row.money)), None)
    size: Any = row.size or (table and table.size)
    size = sizes.get(row.name, size) if isinstance(sizes, Mapping) else sizes
    size = size and _Told({"contract size": size}, row.name)("contract size")
    if not size:
        rule = "must be told: its answer counts contracts, and no table says how large one is"
        raise MarginError(f"contract size of {row.name}", rule, None)
    units, inverse = row.contracts * size, row.coin == row.money
    contract = Contract(
        symbol=row.name, taker_fee=place.taker_fee, size=size, inverse=inverse,
        settle=row.money if inverse else "", conventions=place.conventions,
    )  # fmt: skip
    tiers = table and table.for_units(units)
    frozen = place.conventions.maintenance_at == "entry"
    value = formulas.notional(units, row.entry if frozen else row.mark, inverse)
    asked = row.asked
    if asked is not None:
        ours = formulas.tiered_maintenance(value, tiers) if tiers else 0
        if abs(ours - asked) > SAME * asked:
            return replace(contract, maintenance=asked / value), PRINTED_MARGIN
    if tiers and table:
        return replace(contract, maintenance=tiers), TABLE + table.as_of
    if row.margin is not None and row.printed > 0:
        equity = row.margin + formulas.pnl(units, row.entry, row.printed, inverse)
        rate = equity / formulas.notional(units, row.printed, inverse) - contract.counted_fee
        if 0 < rate < 1:
            return replace(contract, maintenance=rate), PRINTED_PRICE
    rule = f"must be told: {place.name} has no table for it in {row.money}"
    raise MarginError(f"maintenance margin of {row.name}", rule, None)
