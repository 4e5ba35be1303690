"""Clients of the original service, which know nothing of nodes: any of them is the whole service to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.error import HTTPError

from tests.support.cluster import Cluster
from tests.support.faults import Peer

LINES = 30


def test_clients_of_the_original_on_three_nodes_are_in_one_room_with_one_order(cluster: Cluster) -> None:
    room = cluster["a"].ask("POST", "/chat?name=seed")["id"]
    with ExitStack() as stack:
        people = [
            stack.enter_context(Peer(cluster[node], room, f"{node}{number}", seed=True))
            for number in range(2)
            for node in "abc"
        ]
        names = [f"{node}{number}" for number in range(2) for node in "abc"]
        for person in people:
            person.until(lambda event: event["participant"] == names[-1])  # all have come
        with ThreadPoolExecutor(len(people)) as pool:

            def talk(which: int) -> list[tuple[str, str]]:
                for number in range(LINES):
                    people[which].say(f"{number}")
                heard: list[tuple[str, str]] = []
                while len(heard) < LINES * len(people):
                    event = next(people[which].events())
                    if "text" in event:
                        heard.append((event["participant"], event["text"]))
                return heard

            orders = list(pool.map(talk, range(len(people))))
        assert all(order == orders[0] for order in orders)
        for name in names:
            assert [text for who, text in orders[0] if who == name] == [str(number) for number in range(LINES)]


def test_a_name_is_taken_once_in_the_whole_cluster(cluster: Cluster, room_id: str) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:

        def join(node: str) -> int:
            try:
                stack.enter_context(Peer(cluster[node], room_id, "Ada", seed=True))
            except HTTPError as error:
                with error:
                    return error.code
            return 101

        assert sorted(pool.map(join, "abcabc")) == [101, 409, 409, 409, 409, 409]
