"""Answers of notebook 11."""

from margin_course.answers import Answer, Book
from margin_course.mandate import Design, demand
from margin_lib import formulas


def paths_for_a_small_error(book: Book) -> Answer:
    """Markets to draw so that the error of the share that keeps the maximum loss is 0.005."""
    p, error = demand(book["capstone"], "kept"), 0.005
    slips = {
        (p * (1 - p)) ** 0.5 / error: "Nearly. To halve the error you need four times the markets.",
        p * (1 - p) / error: "The error shrinks with the square root of the number of markets.",
        (1 - p) / error**2: "Both shares count: those that keep it, and those that do not.",
        0.25 / error**2: "That is for a share of one half. Here the share is known.",
        p * (1 - p) / (2 * error) ** 2: "Half a percentage point is 0.005.",
    }
    hints = (
        "The error of a share p from n markets is the root of p (1 − p) / n.",
        "Set that root to 0.005, square both sides, and solve for n.",
    )
    return Answer(p * (1 - p) / error**2, slips, hints)


def leverage_within_the_maximum_loss(book: Book) -> Answer:
    """Least leverage of all positions at which their margins are no more than the maximum loss."""
    task = book["capstone"]
    size, loss, count = demand(task, "exposure"), demand(task, "max_loss"), len(task.trades)
    slips = {
        size / loss: "That is enough for one position. All of them count.",
        count * size: "That is the effective leverage: notional / equity. Which margin goes in?",
        loss / (count * size): "That is upside down: leverage is notional / margin.",
        1 / loss: "That is for positions as large as the capital.",
        loss
        / count: "That is the margin of one position, as a share. Which leverage does it need?",
    }
    hints = (
        "Behind fences, the most that can be lost is a sum. Of what?",
        "Leverage is notional / margin. Take the notional of all positions that the mandate "
        "demands, and all the margin that it allows to be lost.",
    )
    return Answer(count * size / loss, slips, hints)


def eth_edge_of_the_pool(book: Book) -> Answer:
    """The right change of ETH in a pool, where a dashboard forgets what the other one needs."""
    task = book["capstone"]
    pool = Design(task, "twins", task.mandate["designs"]["twins"]).account
    eth, btc = pool["ETH"], pool["BTC"]
    marks = task.marks(BTC=-0.1)
    loss, rate = btc.pnl(marks["BTC"]), eth.contract.maintenance_rate

    def change(money: float) -> float:
        price = formulas.liquidation_price(eth.entry_price, eth.quantity, money, rate)
        return price / eth.entry_price - 1

    needs = btc.maintenance_margin(marks["BTC"])
    slips = {
        change(pool.balance + loss): "So says the dashboard. Must BTC not stay open as well?",
        change(pool.balance): "BTC has lost money since.",
        change(pool.balance - needs): "What BTC needs is out. Its loss counts, too.",
        change(pool.wallet_balance + loss - needs): "LTC's margin is behind a fence.",
        pool.bankruptcy_price("ETH", marks) / eth.entry_price - 1: (
            "That is where equity is zero. The exchange acts earlier."
        ),
    }
    hints = (
        "The dashboard lets ETH use all the money of the pool. Who else needs some of it?",
        "Take the loss of BTC from the balance, and the maintenance margin that BTC needs at its "
        "price of now. With what is left, ETH has a liquidation price like any single position.",
    )
    return Answer(pool.liquidation_price("ETH", marks) / eth.entry_price - 1, slips, hints)


ANSWERS = {
    "11.1": paths_for_a_small_error,
    "11.2": leverage_within_the_maximum_loss,
    "11.3": eth_edge_of_the_pool,
}
