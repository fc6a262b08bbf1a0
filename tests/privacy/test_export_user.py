"""`manage.py export_user`: all of a person and nothing of anybody else, as JSON, in flat memory."""

import json
import stat
import tracemalloc
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ServiceToken, User
from feedback.services import save_dislike
from interactions.models import UserInteraction
from privacy import sections
from privacy.export import export_person
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_interaction, make_item, make_user
from tests.privacy.builders import COMMENT, NAME, rows_about

pytestmark = pytest.mark.django_db


def exported(name: str = NAME) -> dict[str, Any]:
    out = StringIO()
    call_command("export_user", name, stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


class TestWhatIsInIt:
    def test_every_section_has_something_and_is_explained(self, zelda: User) -> None:
        document = exported()
        assert document.keys() == {"about", *document["about"]["sections"]}
        assert [name for name, found in document.items() if not found] == []
        assert document["about"]["format"] == "heed-person-1"

    def test_the_person_of_these_tests_has_a_row_in_every_table_about_people(self, zelda: User) -> None:
        assert [name for name, rows in rows_about(zelda.pk).items() if not rows] == []

    def test_the_account(self, zelda: User) -> None:
        account = exported()["account"]
        assert (account["username"], account["email"]) == (NAME, f"{NAME}@heed.example")
        assert (account["has_password"], account["groups"]) == (True, ["readers"])
        assert account["permissions"] == ["view_item"]

    def test_interactions_and_lists_have_titles(self, zelda: User) -> None:
        document = exported()
        watched = next(row for row in document["interactions"] if row["what"] == "watched")
        assert (watched["title"], watched["rating"], watched["list"]) == ("Heat 2", 8.0, None)
        like = next(row for row in document["interactions"] if row["what"] == "like")
        shown = next(row for row in document["lists"] if row["list"] == like["list"])
        slot = shown["shown"][like["rank"] - 1]
        assert (slot["title"], slot["score"]) == (like["title"], like["score"])
        kept = RecommendationSession.objects.get(pk=shown["list"])
        assert (shown["made_in_ms"], shown["seen_to_rank"]) == (kept.made_in_ms, kept.seen_rank)
        assert len(slot["features"]) == len(document["about"]["features"][shown["feature_set"]])

    def test_a_dislike_has_its_words_and_all_that_it_caused(self, zelda: User) -> None:
        (dislike,) = exported()["dislikes"]
        assert (dislike["reason"], dislike["comment"]) == ("wrong_genre", COMMENT)
        assert dislike["holds_back"] == [{"kind": "genre", "name": "Crime", "delta": -0.15}]
        assert dislike["training_example"]["first_learned_by"] == ["als-movie_home-1"]

    def test_a_dislike_without_an_example(self, zelda: User) -> None:
        save_dislike(user_id=zelda.pk, item=make_item("Ran"), reason="already_watched")
        assert [row["training_example"] is None for row in exported()["dislikes"]] == [False, True]

    def test_taste_is_told_by_name(self, zelda: User) -> None:
        (preference,) = exported()["preferences"]
        assert (preference["kind"], preference["name"]) == ("genre", "Crime")
        assert 0.0 <= preference["vector_entry"] <= 1.0

    def test_logins_in_whatever_case_the_name_was_typed(self, zelda: User) -> None:
        found = exported()["logins"]
        assert [row["what"] for row in found] == ["counted failures", "login", "login"]
        assert [row["path"] for row in found[:2]] == ["/accounts/login/"] * 2

    def test_somebody_of_whom_nothing_is_known(self) -> None:
        make_user("nobody")
        document = exported("nobody")
        assert document["account"]["has_password"] is False
        assert document["taste"] is None
        assert document["lists"] == document["interactions"] == []


class TestWhatIsNot:
    def test_no_secret(self, zelda: User) -> None:
        text = "".join(export_person(zelda))
        secrets = [
            zelda.password,
            zelda.password.split("$")[-1],
            ServiceToken.objects.get().digest,
            *Session.objects.values_list("session_key", flat=True),
        ]
        assert len(secrets) >= 4
        assert [secret for secret in secrets if secret in text] == []

    def test_nothing_of_others(self, zelda: User) -> None:
        other = make_user("bob")
        make_interaction(other, make_item("Only Bob saw this"))
        RecommendationSession.objects.create(
            user=other, use_case="movie_home", method="popular", recommendations_shown=[], created_at=EPOCH
        )
        text = "".join(export_person(zelda))
        assert "Only Bob" not in text
        assert "warden" not in text
        assert len(json.loads(text)["lists"]) == RecommendationSession.objects.filter(user=zelda).count()


class TestManyRows:
    @pytest.mark.slow
    def test_memory_stays_flat(self) -> None:
        person, film = make_user("ann"), make_item("Heat")
        UserInteraction.objects.bulk_create(
            UserInteraction(
                user=person, item=film, type="view", weight=0.5, occurred_at=EPOCH + timedelta(hours=hour)
            )
            for hour in range(12_000)
        )
        tracemalloc.start()
        length = sum(map(len, export_person(person)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert length > 2_000_000
        assert peak < length / 4

    def test_queries_do_not_grow_with_the_rows_of_a_batch(
        self, zelda: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                "".join(export_person(zelda))
            return len(captured)

        before = queries()
        for number in range(5):
            make_interaction(zelda, make_item(), day=number)
            RecommendationSession.objects.create(
                user=zelda,
                use_case="movie_home",
                method="popular",
                recommendations_shown=[{"item_id": make_item().pk, "rank": 1}],
                created_at=EPOCH + timedelta(days=number),
            )
        assert queries() == before

    def test_several_batches_are_all_of_it(self, zelda: User, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = {**exported(), "about": None}
        monkeypatch.setattr(sections, "BATCH", 1)
        for number in range(3):
            RecommendationSession.objects.create(
                user=zelda,
                use_case="movie_home",
                method="popular",
                recommendations_shown=[],
                pushed_out=[make_item(f"Out {number}").pk, 10**9],
                created_at=EPOCH + timedelta(days=number),
            )
        batched = exported()
        assert batched["lists"][3:] == whole["lists"]
        assert [row["pushed_out_by_dislikes"][0]["title"] for row in batched["lists"][:3]] == [
            "Out 0",
            "Out 1",
            "Out 2",
        ]
        assert batched["lists"][0]["pushed_out_by_dislikes"][1] == {"item_id": 10**9, "title": None}


class TestTheCommand:
    def test_a_file_holds_what_is_printed_and_only_its_owner_reads_it(
        self, zelda: User, tmp_path: Path
    ) -> None:
        out, path = StringIO(), tmp_path / "out" / "zelda.json"
        path.parent.mkdir()
        call_command("export_user", NAME, "--out", str(path), "--json", stdout=out)
        summary = json.loads(out.getvalue())
        assert summary == {"user": NAME, "file": str(path), "bytes": path.stat().st_size}
        saved = json.loads(path.read_text(encoding="utf-8"))
        assert {**saved, "about": None} == {**exported(), "about": None}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_a_file_that_cannot_be_written_is_a_sentence(self, zelda: User, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"cannot be written: No such file or directory\."):
            call_command("export_user", NAME, "--out", str(tmp_path / "no" / "file.json"))
        folder = tmp_path / "out" / "folder"
        (folder / "full").mkdir(parents=True)
        with pytest.raises(CommandError, match=r"cannot be written: .*\."):
            call_command("export_user", NAME, "--out", str(folder))
        assert list(folder.parent.iterdir()) == [folder]

    def test_somebody_unknown(self) -> None:
        with pytest.raises(CommandError, match="nobody named 'nobody'") as raised:
            call_command("export_user", "nobody")
        assert raised.value.returncode == 1

    def test_it_ends_with_a_line_and_each_entry_has_its_own(self, zelda: User) -> None:
        out = StringIO()
        call_command("export_user", NAME, stdout=out)
        lines = out.getvalue().split("\n")
        assert lines[-2:] == ["}", ""]
        entries = [line for line in lines if '"what": "watched"' in line]
        assert len(entries) == 1
        assert json.loads(entries[0].strip().rstrip(","))["title"] == "Heat 2"
