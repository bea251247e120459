"""Answers of notebook 08."""

from dataclasses import replace

from margin_course.answers import Answer, Book
from margin_lib import formulas
from margin_lib.contracts import Conventions
from margin_lib.venues import venue


def leverage_liquidated_at_birth(book: Book) -> Answer:
    """Leverage at which the position is liquidated at birth, with the closing fee on top."""
    contract = book["exchange"].trades[0].contract
    rate, fee = contract.maintenance_rate, contract.taker_fee
    slips = {
        1 / rate: "That leaves no room for the fee. The venue asks for both.",
        1 / (rate + 2 * fee): "The fee of opening is paid already. Only the one of closing counts.",
        rate + fee: "That is the share of the value that is asked for. Which leverage opens it?",
    }
    hints = (
        "At birth equity is the margin. Compare it with what the venue asks for.",
        "As shares of the value: the margin is 1 / leverage, and maintenance rate plus fee rate "
        "are asked for. Set them equal.",
    )
    return Answer(1 / (rate + fee), slips, hints)


def edge_of_a_coin_margined_long(book: Book) -> Answer:
    """Change of the price that liquidates a coin-margined long at half the leverage."""
    trade = book["exchange"].trades[0]
    leverage = max(trade.leverage / 2, 1)
    rate, size = trade.contract.maintenance_rate, leverage * trade.price  # with one coin as margin

    def change(kept: float, inverse: bool = True) -> float:
        units, frozen = (size, kept * leverage) if inverse else (leverage, kept * size)
        own = 1 if inverse else trade.price
        price = formulas.liquidation_price(
            trade.price, units, own, rate=0, amount=-frozen, inverse=inverse
        )
        return price / trade.price - 1

    slips = {
        change(rate, inverse=False): "That is the trade margined in dollars.",
        change(0, inverse=False): "That is bankruptcy, margined in dollars.",
        change(0): "There nothing is left. The maintenance margin must be.",
    }
    hints = (
        "Count in coins. With one coin as margin the position is worth as many coins as the "
        "leverage says, at entry. How many may be lost?",
        "The loss in coins is quantity · (1/P − 1/E), with quantity = leverage · E. Set it equal "
        "to 1 − rate · leverage, and solve for P/E − 1.",
    )
    return Answer(change(rate), slips, hints)


def margin_for_a_closing_fee(book: Book) -> Answer:
    """Margin that makes up for a closing fee in the requirement."""
    scenario = book["exchange"]
    trade = scenario.trades[0]
    plain = replace(trade.contract, conventions=Conventions())
    account = scenario.with_trade(trade.symbol, contract=plain).account("isolated")
    there = account[trade.symbol].notional(account.liquidation_price(trade.symbol))
    fee = trade.contract.taker_fee
    slips = {
        fee * trade.notional: "The fee is charged where it is closed, not where it is opened.",
        fee * there * trade.leverage: "The fee is a share of the value, leverage is in it already.",
        fee * trade.margin: "The fee is a share of the value, not of the margin.",
    }
    hints = (
        "The price is to stay that of the first rules. What does the venue ask for there that the "
        "first rules do not?",
        "Compute the liquidation price under the first rules, the value of the position there, "
        "and the closing fee on that value.",
    )
    return Answer(fee * there, slips, hints)


def maintenance_of_a_large_position(book: Book) -> Answer:
    """Maintenance margin of a large position, where a bot looks up the tier by the margin."""
    trade = book["exchange"].trades[0]
    tiers = venue("binance usd-m").table("ETH", "USDT").tiers
    margin, value = 100 * trade.margin, 100 * trade.notional
    faulty = tiers.at(margin)
    slips = {
        faulty.rate * value - faulty.amount: "So says the bot. What is a tier a tier of?",
        tiers.at(value).rate * value: "The right row. It has one more column.",
        tiers.at(value).rate * margin - tiers.at(value).amount: (
            "The right row. But the rate is a share of the value."
        ),
        formulas.tiered_maintenance(margin, tiers): "That is for a position worth your margin.",
    }
    hints = (
        "The table begins with the column “from”. A venue fears large positions: large in what?",
        "Take the row of the value, 100 · margin · leverage. Then rate · value − amount.",
    )
    return Answer(formulas.tiered_maintenance(value, tiers), slips, hints)


ANSWERS = {
    "08.1": leverage_liquidated_at_birth,
    "08.2": edge_of_a_coin_margined_long,
    "08.3": margin_for_a_closing_fee,
    "08.4": maintenance_of_a_large_position,
}
