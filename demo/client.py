"""A client, from an empty catalog to a list that heeds a no. Run it in the repository, beside a server:

HEED_ADDRESS=http://127.0.0.1:8000 HEED_TOKEN=$(python manage.py issue_token ann) python demo/client.py
"""

import json
import os
import subprocess
import sys
from typing import Any
from urllib.request import Request, urlopen

ADDRESS = os.environ.get("HEED_ADDRESS", "http://127.0.0.1:8000")
HEADERS = {"Authorization": f"Token {os.environ['HEED_TOKEN']}", "Content-Type": "application/json"}


def heed(method: str, path: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(ADDRESS + path, data, HEADERS, method=method), timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def show_list(words: str) -> dict[str, Any]:
    served = heed("GET", "/api/recommendations/personalized/movies?limit=5")
    sys.stdout.write(f"\n{words}\n")
    for slot in served["recommendations"]:
        sys.stdout.write(f"{slot['rank']}. {slot['item']['title']} {slot['score']:.2f} {slot['why']}\n")
    return served


me = heed("GET", "/api/check-auth")
sys.stdout.write(f"signed in as {me['username']}\n")
manage = [sys.executable, "manage.py", "import_items", "docs/examples/catalog.csv"]
subprocess.run(manage, check=True)  # noqa: S603

known = {film["title"]: film["id"] for film in heed("GET", "/api/movies?page_size=100")["results"]}
likes = [{"item_id": known[title], "type": "like"} for title in ("Night Ferry", "Low Orbit")]
heed("POST", "/api/interactions", {"interactions": likes})
before = show_list("after two likes")

worst = before["recommendations"][0]["item"]["id"]
no = {
    "movie_id": worst,
    "reason": "wrong_genre",
    "recommendation_set_id": before["recommendation_session_id"],
}
held_back = heed("POST", "/api/dislike", no)["feature_adjustments"]["genre_adjustments"]
show_list(f"after a no to the first: {held_back}")
