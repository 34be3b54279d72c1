# SPDX-License-Identifier: GPL-3.0-or-later
"""results.csv, its figure and the panel."""

import numpy as np
import pytest
from PIL import Image
from vqdeepsc.images.metrics import Quality
from vqdeepsc.images.panel import PanelCell, PanelRow, build_panel
from vqdeepsc.link import ChannelModel, Scheme
from vqdeepsc.simulation.identity import RowKey, System
from vqdeepsc.simulation.plot import plot_results
from vqdeepsc.simulation.results import (
    COLUMNS,
    Result,
    ResultsError,
    append_results,
    read_results,
    summarise,
    write_results,
)

HEADER = "image,system,channel,snr_db,source_bits,symbols,block_errors,decoded,ssim,psnr_db,seed\n"


def make_result(**changes):
    values = {
        "image": "a,b.png",
        "system": System("jpeg"),
        "channel": ChannelModel("rician", 10.0),
        "snr_db": -2.5,
        "source_bits": 20032,
        "symbols": 15024,
        "block_errors": 3,
        "decoded": False,
        "ssim": 0.25,
        "psnr_db": 12.5,
        "seed": 4294967295,
    }
    return Result(**values | changes)


def test_columns_and_form_are_the_documented_ones(tmp_path):
    write_results(tmp_path / "new" / "r.csv", [make_result(psnr_db=float("inf"), ssim=1 / 3)])
    line = '"a,b.png",jpeg,rician:10,-2.5,20032,15024,3,0,0.333333,inf,4294967295\n'
    assert (tmp_path / "new" / "r.csv").read_text() == HEADER + line
    assert ",".join(COLUMNS) + "\n" == HEADER


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "r.csv"
    rows = [make_result(snr_db=snr_db) for snr_db in (-2.0, 0.0, 0.5)]
    write_results(path, rows[:1])
    append_results(path, rows[1:])
    assert read_results(path) == rows
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.csv"]


def test_names_with_line_breaks_and_no_ssim_are_read(tmp_path):
    path = tmp_path / "r.csv"
    rows = [make_result(image="a\nb\u2028c\x1cd.png"), make_result(image="plain")]
    write_results(path, [*rows, make_result(image="tiny", ssim=float("nan"))])
    *same, tiny = read_results(path)
    assert same == rows
    assert np.isnan(tiny.ssim) and ",0,,12.5000," in path.read_text()
    means = summarise([rows[0], tiny])
    assert [group.ssim for group in means] == [0.25]
    assert np.isnan(summarise([tiny])[0].ssim)


def test_an_unfinished_last_line_is_dropped_only_when_asked(tmp_path):
    path = tmp_path / "r.csv"
    write_results(path, [make_result(), make_result(snr_db=1.0)])
    path.write_text(path.read_text()[:-30])
    assert read_results(path, interrupted=True) == [make_result()]
    with pytest.raises(ResultsError, match="line 3"):
        read_results(path)
    path.write_text("")
    assert read_results(path, interrupted=True) == []
    with pytest.raises(ResultsError, match="empty"):
        read_results(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (HEADER.replace("seed", "sed") + "1\n", "other columns"),
        (HEADER + "a,jpeg\n", "line 2"),
        (HEADER + "a,jpeg,awgn,x,1,1,0,1,0.5,20,0\n", "line 2"),
        (HEADER + "a,jpeg,awgn,nan,1,1,0,1,0.5,20,0\n", "line 2"),
        (HEADER + "a,jpeg,fog,1,1,1,0,1,0.5,20,0\n", "line 2"),
        (HEADER + "a,jpeg,awgn,1,1,1,0,2,0.5,20,0\n", "line 2"),
        (b"\xff\xfe\x00", "not a results file"),
    ],
)
def test_other_files_are_refused(tmp_path, content, word):
    path = tmp_path / "r.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ResultsError, match=word):
        read_results(path)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figures_are_plotted(tmp_path, suffix):
    results = [
        make_result(image=image, system=system, channel=channel, snr_db=snr_db, ssim=snr_db / 10)
        for image in ("a", "b")
        for system in (System("vqdeepsc-4s"), System("jpeg"))
        for channel in (ChannelModel("awgn"), ChannelModel("rician"))
        for snr_db in (0.0, 2.0, 4.0)
    ]
    path = tmp_path / f"figure.{suffix}"
    plot_results(results, [path])
    if suffix == "png":
        assert np.ptp(np.asarray(Image.open(path).convert("L"))) > 200
    else:
        assert path.stat().st_size > 5000


def test_figures_of_nothing_are_refused(tmp_path):
    with pytest.raises(ResultsError, match="no results"):
        plot_results([], [tmp_path / "figure.png"])
    with pytest.raises(ValueError, match="must end in"):
        plot_results([make_result()], [tmp_path / "figure.xyz"])


def test_the_panel_holds_every_image():
    sent = np.full((100, 200, 3), (10, 200, 30), np.uint8)
    colours = [(200, 10, 10), (10, 10, 200)]
    cells = [
        PanelCell(np.full_like(sent, colour), Quality(0.5, 20.0), colour[0] > 100)
        for colour in colours
    ]
    panel = np.asarray(
        build_panel(sent, ["0 dB", "2 dB"], [PanelRow("ours", "soft", cells)] * 2, "title", "sub")
    )
    cell_pixels = 256 * 128
    assert (panel == (10, 200, 30)).all(axis=2).sum() == cell_pixels
    for colour in colours:
        assert (panel == colour).all(axis=2).sum() == 2 * cell_pixels
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        build_panel(sent, ["0 dB", "2 dB"], [PanelRow("ours", "soft", cells[:1])], "title")


@pytest.mark.parametrize(
    "text, system, title",
    [
        ("jpeg2000", System("jpeg2000"), "JPEG 2000"),
        ("a:hard", System("a", decision="hard"), "a, hard"),
        ("a:qpsk@9/6/4.5", System("a", Scheme("qpsk", 9, (6.0, 4.5))), "a, qpsk@9/6/4.5"),
        ("a:64qam:hard", System("a", Scheme("64qam"), "hard"), "a, 64qam, hard"),
        ("a:b", System("a:b"), "a, b"),
        ("a:16qam", System("a:16qam"), "a, 16qam"),
        ("a:qpsk@09", System("a:qpsk@09"), "a, qpsk@09"),
        (":hard", System("", decision="hard"), ", hard"),
    ],
)
def test_a_system_is_its_text(text, system, title):
    assert System.parse(text) == system
    assert str(system) == text
    assert system.title == title


def test_a_key_is_what_the_file_says(tmp_path):
    keys = [
        RowKey("a", System("m", Scheme("qpsk"), "hard"), ChannelModel("rician", 2.5), -0.25, 9),
        RowKey("a", System("bound"), None, float("inf"), 0),
    ]
    rows = [make_result(**key._asdict()) for key in keys]
    write_results(tmp_path / "r.csv", rows)
    assert [row.key for row in read_results(tmp_path / "r.csv")] == keys
    soft = keys[0]._replace(system=System("m", Scheme("qpsk")))
    assert soft.seed(5) == keys[0].seed(5) != keys[0].seed(6)
