"""Takes the pictures of docs/explanation/one-no.md: one no, from the list before it to the list after it.

    EXPLORATION_SHARE=0 make demo                               # in another terminal
    .venv/bin/python docs/img/one_no.py http://127.0.0.1:8000   # writes docs/img/one-no-*.webp

It turns down the first film of `demo` and takes the no back at the end. Chromium draws and writes WebP.
"""

import base64
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

FOLDER = Path(__file__).parent
SIZE = ViewportSize(width=1200, height=1120)
LARGEST = 60_000  # bytes of a picture
ENCODE = """async ([png, quality]) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


def take(page: Page, encoder: Page, name: str) -> None:
    """Writes what the page shows, as well as fits into LARGEST."""
    png = base64.b64encode(page.screenshot(animations="disabled")).decode()
    for quality in (0.85, 0.7, 0.55, 0.4):
        picture = base64.b64decode(encoder.evaluate(ENCODE, [png, quality]))
        if len(picture) <= LARGEST:
            break
    (FOLDER / f"one-no-{name}.webp").write_bytes(picture)
    sys.stdout.write(f"{name}: {len(picture):,} bytes\n")


def main(address: str) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, base_url=address)
        encoder = browser.new_page()
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("demo")
        page.get_by_label("Password").fill("demo-pass")
        page.get_by_role("button", name="Log in").click()
        page.goto("/")
        take(page, encoder, "before")
        first = page.locator('[data-rank="1"]')
        first.get_by_role("button", name="Not for me").click()
        page.get_by_text("Another reason, or a comment").click()
        page.get_by_role("radio", name="Wrong genre for me").check()
        take(page, encoder, "why")
        page.get_by_role("button", name="Confirm").click()
        page.locator(".toast").wait_for()
        take(page, encoder, "said")
        page.goto("/")
        take(page, encoder, "after")
        page.goto("/feedback/")
        take(page, encoder, "kept")
        page.get_by_role("button", name="Undo").first.click()
        page.wait_for_load_state("networkidle")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
