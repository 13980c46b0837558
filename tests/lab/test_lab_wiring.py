"""Wiring files: what they may say, and what the messages say when they are wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import checker
from checker.errors import UserError
from checker.lab.surroundings import access_keys, consumer_environment
from checker.lab.wiring import Wiring, load_wiring

PROJECT = Path(checker.__file__).parents[1]
GOOD = """
[environment]
QUEUE_URL = "{queue_url:inbox}"
TABLE = "{table:orders}"
NAME = "{process}/{process_number}/{region}/{endpoint}"

[resources.inbox]
kind = "SqsQueue"
name = "order-inbox"
fields = { order = "order_id" }

[resources.orders]
kind = "DynamoTable"
name = "orders"
key = "row_id"
minted = true
"""


def load(tmp_path: Path, text: str = GOOD, **variant: Any) -> Wiring:
    (tmp_path / "wiring.toml").write_text(text)
    chosen = {"wiring": "wiring.toml", "command": ["{python}", "-m", "x"], **variant}
    return load_wiring(chosen, root=tmp_path, where="specs/a.toml: lab")


def message(tmp_path: Path, text: str = GOOD, **variant: Any) -> str:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text, **variant)
    return str(caught.value)


def test_a_good_wiring(tmp_path: Path) -> None:
    wiring = load(tmp_path)
    assert (wiring.region, wiring.start_timeout_s, wiring.cwd) == ("us-east-1", 20.0, tmp_path)
    assert wiring.resources["inbox"].fields == {"order": "order_id"}
    assert (wiring.resources["orders"].key, wiring.resources["orders"].minted) == ("row_id", "rowid")
    assert wiring.resources["orders"].fields is None


def test_placeholders_are_resolved(tmp_path: Path) -> None:
    wiring = load(tmp_path)

    def resolve(text: str) -> str:
        return wiring.resolve(text, "worker-1", lambda component: f"url of {component}", "http://here")

    assert resolve(wiring.environment["QUEUE_URL"]) == "url of inbox"
    assert resolve(wiring.environment["TABLE"]) == "orders"
    assert resolve(wiring.environment["NAME"]) == "worker-1/1/us-east-1/http://here"
    assert resolve(wiring.command[0]) == sys.executable
    assert resolve('{"json": 1}') == '{"json": 1}'


def test_a_variant_overrides_a_resource(tmp_path: Path) -> None:
    orders = load(tmp_path, resources={"orders": {"key": "order_id", "minted": False}}).resources["orders"]
    assert (orders.key, orders.minted, orders.name) == ("order_id", "", "orders")


def test_a_variant_adds_environment(tmp_path: Path) -> None:
    wiring = load(tmp_path, environment={"MODE": "fast"}, start_timeout_s=3)
    assert wiring.environment["MODE"] == "fast"
    assert wiring.start_timeout_s == 3.0


def test_the_wiring_of_order_intake_loads() -> None:
    variant = {"wiring": "consumers/order_intake/wiring.toml", "command": ["{python}", "-m", "x"]}
    assert list(load_wiring(variant, root=PROJECT).resources) == ["inbox", "seen", "orders"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "[environment]",
            "[enviroment]",
            "wiring.toml: unknown key 'enviroment'\n  hint: did you mean 'environment'?",
        ),
        (
            '"SqsQueue"',
            '"SqsQueu"',
            "wiring.toml: resources.inbox.kind: 'SqsQueu' is not a component kind that the lab knows\n"
            "  hint: did you mean 'SqsQueue'?",
        ),
        (
            "{queue_url:inbox}",
            "{queue_url:inbx}",
            "wiring.toml: environment.QUEUE_URL: {queue_url:inbx} needs the name of a SqsQueue, got 'inbx'\n"
            "  hint: did you mean 'inbox'?",
        ),
        ("{queue_url:inbox}", "{queue_url}", "{queue_url} needs the name of a SqsQueue, got 'nothing'"),
        ("{table:orders}", "{table:inbox}", "{table:inbox} needs the name of a DynamoTable, got 'inbox'"),
        ("{process}", "{proces}", "there is no placeholder {proces}\n  hint: did you mean 'process'?"),
        ("{process}", "{process:x}", "{process} takes no argument, got {process:x}"),
        ('"order-inbox"', "7", "expected `name`, the name of the resource in AWS, got 7"),
        ('name = "order-inbox"\n', "", "expected `name`, the name of the resource in AWS, got nothing"),
        ('key = "row_id"', "", "wiring.toml: resources.orders: a DynamoTable needs `key`"),
        (
            "minted = true",
            "minted = 3",
            "resources.orders.minted: expected true, false or an index name, got 3",
        ),
        ("minted = true", 'key_type = "B"', "resources.orders.key_type: expected 'S' or 'N', got 'B'"),
        ('{ order = "order_id" }', "3", "expected a table of model field = attribute name, got 3"),
        ('"order-inbox"', '"order-inbox"\nkey = "x"', "a SqsQueue has no `key`"),
        ("[environment]", "[environment]\nN = 3", "environment.N: expected a string, got 3"),
        ("[environment]", "[environment", "wiring.toml: this is not TOML"),
        (
            "[environment]",
            "[lab]\nstart_timeout_s = 0\n[environment]",
            "expected a positive number of seconds, got 0",
        ),
        (
            "[environment]",
            "[lab]\nregoin = ''\n[environment]",
            "unknown key 'regoin'\n  hint: did you mean 'region'?",
        ),
        ("[environment]", "lab = 3\n[environment]", "wiring.toml: lab: expected a table, got 3"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, before: str, after: str, expected: str) -> None:
    assert before in GOOD
    assert expected in message(tmp_path, GOOD.replace(before, after, 1))


def test_two_components_may_not_share_a_resource(tmp_path: Path) -> None:
    text = GOOD + '[resources.orders2]\nkind = "DynamoTable"\nname = "orders"\nkey = "id"\n'
    assert "orders2 and orders are both DynamoTable 'orders' in us-east-1" in message(tmp_path, text)


def test_no_resources(tmp_path: Path) -> None:
    assert "expected at least one [resources.NAME] table" in message(tmp_path, "")


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({"wiring": "missing.toml"}, "there is no wiring file missing.toml"),
        ({"wiring": 3}, "specs/a.toml: lab: expected `wiring`, the path of a wiring file, got 3"),
        ({"command": "python x"}, "specs/a.toml: lab: command: expected a list of strings, got 'python x'"),
        ({"command": []}, "expected a list of strings, got []"),
        ({"command": ["{pyton}"]}, "there is no placeholder {pyton}\n  hint: did you mean 'python'?"),
        ({"comand": []}, "unknown key 'comand'\n  hint: did you mean 'command'?"),
        (
            {"resources": {"order": {}}},
            "the wiring declares no resource 'order'\n  hint: did you mean 'orders'?",
        ),
        ({"resources": {"orders": {"keys": "x"}}}, "resources.orders: unknown key 'keys'"),
        ({"resources": 3}, "resources: expected a table, got 3"),
    ],
)
def test_mistakes_in_the_variant(tmp_path: Path, variant: dict[str, Any], expected: str) -> None:
    assert expected in message(tmp_path, **variant)


def test_access_keys_are_distinct_and_alphanumeric() -> None:
    keys = access_keys(("worker-1-1", "worker-11", "wörker"))
    assert len(set(keys.values())) == 3
    assert all(key.isalnum() and key.isascii() and key.isupper() for key in keys.values())


def test_nothing_inherited_leads_past_the_interposer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_SQS", "HTTPS_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "elsewhere")
    environment = consumer_environment(
        endpoint="http://here", region="eu-west-1", access_key="K", max_attempts=3, own={"A": "b"}
    )
    assert "elsewhere" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://here"
    assert (environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    assert (environment["AWS_MAX_ATTEMPTS"], environment["A"]) == ("3", "b")
