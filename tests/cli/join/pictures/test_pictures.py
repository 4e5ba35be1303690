"""The pictures in the documentation are what the terminal client shows, and can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.join.contrast import contrast
from tests.cli.join.pictures.drawing import NAMES, PALETTES, drawn
from tests.cli.join.pictures.scenes import PICTURES, SCENES, Scene, path_of, played
from tests.support.server import ROOT, Server

ADVICE = "what a terminal shows has changed: run `make screens`, and look at the difference"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_each_picture_is_what_a_terminal_shows(scene: Scene, server: Server, tmp_path: Path) -> None:
    what = played(scene, server, tmp_path)
    for name, palette in PALETTES.items():
        assert path_of(scene, name).read_text("utf-8") == drawn(what, palette, scene.title), f"{ADVICE}\n{what.text}"


def test_every_picture_is_of_a_scene_and_the_documents_show_them_all_in_both_palettes() -> None:
    paths = {path_of(scene, palette) for scene in SCENES for palette in PALETTES}
    assert set(PICTURES.iterdir()) == paths
    shown = re.findall(r"\]\((screens/[^)]+)\)", (ROOT / "docs/screens.md").read_text("utf-8"))
    assert {ROOT / "docs" / path for path in shown} == paths
    first_screen = "".join((ROOT / "README.md").read_text("utf-8").splitlines(keepends=True)[:30])
    assert re.search(r'media="\(prefers-color-scheme: dark\)" srcset="docs/screens/rooms-dark\.svg"', first_screen)
    assert 'src="docs/screens/rooms-light.svg"' in first_screen


@pytest.mark.parametrize("name", PALETTES)
def test_colours_have_the_contrast_that_readers_need(name: str) -> None:
    palette = PALETTES[name]
    ground = {"light": {"white", "brightwhite"}, "dark": {"black", "brightblack"}}[name]
    for color in {"default", *NAMES, *(f"bright{one}" for one in NAMES)} - ground:
        assert contrast(palette.color(color), palette.ground) >= 4.5, color
    assert contrast(palette.color("default", dim=True), palette.ground) >= 4.5
