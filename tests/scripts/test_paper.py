# SPDX-License-Identifier: GPL-3.0-or-later
"""`make paper`: experiments, means, figures and text, with models that cost nothing."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import paper
import paper_means
import paper_plan
import paper_report
import pytest
import readme_results
from tiny_bundle import PROGRESSIVE, THREE_SCALES, make_bundle, make_upper_bound
from vqdeepsc.images.files import save_image
from vqdeepsc.link import ChannelModel
from vqdeepsc.simulation import Summary, System
from vqdeepsc.simulation.results import read_results, write_results

FOUR_SCALES = {1: 16, 2: 8, 3: 4, 4: 2}


@pytest.fixture
def folder(tmp_path, photograph, monkeypatch):
    """Few points, and a panel of one photograph."""
    monkeypatch.setattr(paper_plan, "CURVE", "0,10")
    monkeypatch.setattr(paper_plan, "THRESHOLD_SNR", "1,10")
    monkeypatch.setattr(paper_plan, "CHANNELS", ("awgn", "rayleigh"))
    monkeypatch.setattr(paper, "PANEL_IMAGES", ("coffee.png",))
    for module in (paper, paper_plan):
        monkeypatch.setattr(module, "BASELINES", ("jpeg", "webp"))
    (tmp_path / "cars").mkdir()
    for number in range(2):
        save_image(tmp_path / "cars" / f"{number}.png", photograph[:128, 99 * number :][:, :128])
    make_bundle(tmp_path / "models" / "four", FOUR_SCALES)
    make_bundle(tmp_path / "models" / "three", THREE_SCALES)
    return tmp_path


def arguments(folder: Path, *more: str) -> list[str]:
    return [
        *("--cars", str(folder / "cars"), "--bsds", str(folder / "cars"), "--workers", "1"),
        *("--model", str(folder / "models" / "three"), str(folder / "models" / "four")),
        *("--work", str(folder / "work"), "--results", str(folder / "results"), *more),
    ]


def test_everything_is_written_and_a_changed_model_is_run_again(folder, monkeypatch):
    assert paper.main(arguments(folder, "--limit", "1")) == 0
    results = folder / "results"
    text = (results / "README.md").read_text()
    names = {path.name for path in results.iterdir()}
    for name in ("cars", "decisions", "natural", "bandwidth", "schemes", "protection"):
        assert f"{name}.csv" in names
        for group in paper_means.read_means(results / f"{name}.csv"):
            assert group.images == 1
    for stem in ("fig3a", "fig3b", "natural-20032", "bandwidth-awgn", "schemes-rayleigh"):
        assert f"{stem}.png" in names
    assert all(f"({name})" in text for name in names if name.endswith((".png", ".jpg")))
    for words in (
        "| With embedding spaces, as printed | 5,008 | 1,904 |",
        "| **On the air, with LDPC 1/3 and 16-QAM** | **15,024** | **5,712** |",
        "The counts agree with the paper's.",
        "is not measured: no network without quantisation",
        "`four` has a higher mean SSIM than JPEG at",
        "`16qam/6/6/4`",
    ):
        assert words in text
    # the text follows from what lies in the folder
    (results / "README.md").unlink()
    paper_report.write_report(results)
    assert (results / "README.md").read_text() == text

    # another model card is not another model: nothing is simulated again
    four = folder / "models" / "four"
    (four / "MODEL_CARD.md").write_text("Said otherwise.\n")
    content = json.loads((four / "manifest.json").read_text())
    content["files"]["MODEL_CARD.md"] = hashlib.sha256(b"Said otherwise.\n").hexdigest()
    (four / "manifest.json").write_text(json.dumps(content))
    kept = (folder / "work" / "cars.csv").read_bytes()
    paper.forget_other_models(folder / "work", [str(four)], [])
    assert (folder / "work" / "cars.csv").read_bytes() == kept

    four = folder / "models" / "four"
    for path in four.iterdir():
        path.unlink()
    four.rmdir()
    make_bundle(four, FOUR_SCALES, seed=2)
    monkeypatch.setattr(paper, "write_report", lambda results: None)
    before = read_results(folder / "work" / "cars.csv")
    assert paper.main(arguments(folder, "--limit", "1", "--only", "cars")) == 0
    after = read_results(folder / "work" / "cars.csv")
    assert [row.key for row in after] == [row.key for row in before]
    changed = {str(new.system) for new, old in zip(after, before, strict=True) if new != old}
    assert changed == {"four"}


def make_summary(system, **values):
    """Means at 20,032 bits over AWGN, with these values."""
    usual = {"source_bits": 20032, "symbols": 15024, "channel": ChannelModel("awgn")}
    usual |= {"images": 400, "psnr_db": 20.0, "undecoded": 0, "with_block_errors": 0}
    return Summary(system=System.parse(system), **usual | values)


def test_an_interrupted_run_shows_the_images_that_are_finished(folder, monkeypatch):
    monkeypatch.setattr(paper, "write_report", lambda results: None)
    assert paper.main(arguments(folder, "--only", "protection")) == 0
    whole = paper_means.read_means(folder / "results" / "protection.csv")
    assert {group.images for group in whole} == {2}
    rows = read_results(folder / "work" / "protection.csv")
    write_results(folder / "work" / "protection.csv", rows[:-1])

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(paper, "simulate", interrupt)
    assert paper.main(arguments(folder, "--only", "protection")) == 130
    part = paper_means.read_means(folder / "results" / "protection.csv")
    assert {group.images for group in part} == {1}
    assert [group.system for group in part] == [group.system for group in whole]


def test_one_transmission_is_measured_beside_fixed_formats(folder, monkeypatch):
    monkeypatch.setattr(paper_plan, "TRANSMISSION_SNR", "0,20")
    monkeypatch.setattr(paper_plan, "FORMATS", {"qpsk": (7744,), "16qam": (28_224,)})
    make_bundle(folder / "models" / "progressive", PROGRESSIVE)
    only = arguments(folder, "--limit", "1", "--only", "transmission")
    only[only.index("--model") + 1] = str(folder / "models" / "progressive")
    assert paper.main(only) == 0
    means = paper_means.read_means(folder / "results" / "transmission.csv")
    assert {group.symbols for group in means} == {15_024}
    clean = {(str(g.system), g.source_bits): g for g in means if g.snr_db == 20}
    assert set(clean) == {
        ("progressive", 20_032),
        ("progressive:16qam/balanced", 20_032),
        ("progressive:16qam/broadcast", 20_032),
        ("progressive:qpsk@15024", 7744),
        ("progressive:16qam@7512", 28_224),
        ("four", 20_032),
        ("jpeg", 20_032),
        ("avif", 20_032),
    }
    assert not any(group.with_block_errors for group in clean.values())
    best = max(
        (group for (name, _), group in clean.items() if name not in ("jpeg", "avif")),
        key=lambda group: group.ssim,
    )
    text = (folder / "results" / "README.md").read_text()
    assert "![One transmission](transmission.png)" in text
    # nothing else is of a progressive model
    models = [str(folder / "models" / name) for name in ("progressive", "four")]
    for experiment in paper_plan.plan("", "bsds", models, [], 1):
        named = {model for simulation in experiment.simulations for model in simulation.models}
        assert (models[0] in named) == (experiment.name == "transmission")
        assert models[1] in named
    assert "| AWGN | best format, SNR known | " in text
    (sentence,) = (line for line in text.splitlines() if line.startswith("With the SNR known"))
    assert f"{best.source_bits:,} bits over `{best.system.scheme.constellation}" in sentence
    assert sentence.endswith("20 dB.")


def test_the_papers_own_network_takes_part_in_its_figure_alone(folder, monkeypatch):
    own = folder / "models" / "own"
    make_bundle(own, FOUR_SCALES)
    manifest = json.loads((own / "manifest.json").read_text())
    network = {"type": "paper", "width": 0.25}
    manifest["training"] = {"configuration": {"network": network, "loss": {"mae": 5.0}}}
    (own / "manifest.json").write_text(json.dumps(manifest))
    models = [str(folder / "models" / "four"), str(own)]
    for experiment in paper_plan.plan("", "bsds", models, [], 1):
        named = {model for simulation in experiment.simulations for model in simulation.models}
        assert models[0] in named
        assert (models[1] in named) == (experiment.name == "cars")
    monkeypatch.setattr(paper, "RECORDS", folder)
    record = {"images": 20, "history": [{"run": "own", "images": 1000}, {"configuration": {}}]}
    (folder / "own.json").write_text(json.dumps(record))
    options = "--model", str(own), "--limit", "1", "--only", "cars", "--upper-bound"
    assert paper.main(arguments(folder, *options)) == 0
    text = (folder / "results" / "README.md").read_text()
    assert "the paper's network at 0.25 of its width, trained on 1,020 crops with λ = 5" in text
    assert "`own` is not the paper's network" not in text


def test_a_verdict_names_where_the_paper_is_not_matched(folder):
    groups = [
        make_summary(system, snr_db=snr_db, images=7, ssim=ssim)
        for system, curve in (("four", (0.5, 0.8, 0.8)), ("jpeg", (0.2, 0.81, 0.82)))
        for snr_db, ssim in zip((0.0, 4.0, 6.0), curve, strict=True)
    ]
    paper_means.write_means(folder / "cars.csv", groups)
    assert paper_means.read_means(folder / "cars.csv") == groups
    model = {"name": "four", "version": "1", "model_id": "0000", "network": "conditional"}
    model |= {"width": None, "crops": None, "source_bits": 20032, "scales": [1, 2, 3, 4]}
    (folder / paper_report.RUN_FILE).write_text(json.dumps({"models": [model]}))
    paper_report.write_report(folder)
    text = (folder / "README.md").read_text()
    assert "on 7 cars" in text
    assert (
        "higher mean SSIM than JPEG at 1 of 3 points, and a higher mean PSNR at 0. JPEG is above "
        "it at AWGN 4 to 6 dB, by at most 0.020. The paper finds SSIM above JPEG's throughout, "
        "with which this does **not** agree." in text
    )


def test_the_upper_bounds_of_the_checkout_are_in_figures_and_text(folder, monkeypatch):
    monkeypatch.setattr(paper, "RECORDS", folder)
    plotted = {}

    def plot_means(groups, paths, title):
        plotted[paths[0].name] = {str(group.system) for group in groups}
        plot(groups, paths, title)

    plot = paper_report.plot_means
    monkeypatch.setattr(paper_report, "plot_means", plot_means)
    trained = {"images": 3240, "hours": 0.17, "history": [{"run": "quantised"}]}
    bound = make_upper_bound(folder / "four-unquantised.onnx", 0.9, trained)
    options = "--limit", "1", "--only", "cars"
    assert paper.main(arguments(folder, *options)) == 0
    results = folder / "results"
    (group,) = (
        group for group in paper_means.read_means(results / "cars.csv") if group.channel is None
    )
    text = (results / "README.md").read_text()
    first, second = text.split("### Fig. 3b")
    row = f"| no channel | four-unquantised | {group.ssim:.3f} / {group.psnr_db:.1f} |"
    assert row in first and row not in second
    assert "four-unquantised" in plotted["fig3a.png"]
    assert "jpeg" in plotted["fig3b.png"] and "four-unquantised" not in plotted["fig3b.png"]
    assert "against `four-unquantised`; the paper prints 0.026." in text
    assert "on 3,240 crops in 0.17 hours, begun at the weights of `quantised`." in text
    assert "(in the paper 0.066 SSIM above 3 scales) is not measured" in text

    # Another network of that name is measured anew.
    make_upper_bound(bound, 0.5)
    assert paper.main(arguments(folder, *options)) == 0
    assert row not in (results / "README.md").read_text()
    assert paper.main(arguments(folder, *options, "--upper-bound")) == 0
    assert "four-unquantised" not in (results / "README.md").read_text()
    assert paper.main(arguments(folder, *options, "--upper-bound", str(bound))) == 0
    assert "four-unquantised" in (results / "README.md").read_text()


def test_bad_input_gets_one_sentence(folder, capsys, monkeypatch):
    monkeypatch.setattr(paper, "write_report", lambda results: None)
    for more, words in (
        (["--cars", str(folder / "none.tar")], "none.tar"),
        (["--model", "nonsense"], "no model"),
        (["--only", "nonsense"], "no experiment nonsense"),
        (["--limit", "-1"], "--limit"),
        (["--upper-bound", "nonsense.onnx"], "nonsense.onnx: No such file"),
    ):
        assert paper.main(arguments(folder, "--only", "cars", *more)) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1


def test_the_page_says_what_the_results_are(tmp_path, monkeypatch):
    """The committed page follows from the committed means."""
    for plot in ("plot_means", "plot_bandwidth", "plot_transmission"):
        monkeypatch.setattr(paper_report, plot, lambda *arguments: None)
    results = readme_results.RESULTS
    for path in (*results.glob("*.csv"), *results.glob("*.jpg"), results / paper_report.RUN_FILE):
        (tmp_path / path.name).symlink_to(path)
    paper_report.write_report(tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert page == (results / "README.md").read_text()
    assert "On AWGN all its blocks arrive from 0 dB on, of the others from 4 dB on at best." in page

    # Other means, other conclusions.
    means = [
        replace(group, with_block_errors=1)
        if "@" in str(group.system) and group.snr_db < 8
        else group
        for group in paper_means.read_means(results / "schemes.csv")
    ]
    (tmp_path / "schemes.csv").unlink()
    paper_means.write_means(tmp_path / "schemes.csv", means)
    paper_report.write_report(tmp_path)
    assert "On AWGN all its blocks arrive from 8 dB on" in (tmp_path / "README.md").read_text()


def test_the_readme_has_the_figures_of_the_results():
    readme = readme_results.README.read_text(encoding="utf-8")
    cars, *others = readme_results.read_results(readme_results.RESULTS)
    text = readme_results.results_text(cars, *others)
    assert readme_results.with_results(readme, text) == readme
    better = [
        replace(row, ssim=row.ssim + 0.01 * (str(row.channel) == "awgn" and row.snr_db > 6))
        for row in cars
    ]
    assert "| 4 dB and more |" in text
    assert "| 4 dB |" in readme_results.results_text(better, *others)
    without = [row for row in cars if str(row.system) != "avif"]
    fewer = [replace(row, images=20) for row in cars]
    for rows, name in ((without, "avif"), (fewer, "vqdeepsc-4s")):
        with pytest.raises(ValueError, match=f"no means of 400 images for {name}"):
            readme_results.results_text(rows, *others)


def test_the_readme_stays_without_one_transmission():
    cars, natural, _, *others = readme_results.read_results(readme_results.RESULTS)
    with pytest.raises(ValueError, match="no means of one transmission"):
        readme_results.results_text(cars, natural, [], *others)


def test_models_at_native_size_stand_beside_codecs_with_as_many_bits():
    def rows(bits, *systems):
        return [
            {"model": systems[0], "system": name, "bits": bits, "ssim": ssim, "psnr_db": 30.0}
            for name, ssim in zip(systems, (0.9, 0.8, 0.7), strict=True)
        ]

    codecs = ("jpeg", "webp")
    fixed = {"images": 2, "pixels": 1000.0, "rows": rows(1220, "ours", *codecs)}
    allocated = [row | {"bits_per_pixel": 2.0} for row in rows(0, "allocated, 4,096", *codecs)]
    progressive = {"model": "any", "images": 2, "rows": allocated}
    first, second = readme_results.native_rows(fixed, progressive)
    assert (first.bits_per_pixel, first.model) == (2.0, "any")
    assert (second.bits_per_pixel, second.model) == (1.22, "ours")
    assert second.cells == ["0.900, 30.0 dB", "0.800, 30.0 dB", "0.700, 30.0 dB"]
    with pytest.raises(ValueError, match="different images"):
        readme_results.native_rows(fixed | {"images": 3}, progressive)


def test_a_codec_is_beaten_only_where_both_measures_are_lower_everywhere():
    means = [
        make_summary(system, snr_db=snr_db, ssim=ssim, psnr_db=psnr_db)
        for system, snr_db, ssim, psnr_db in (
            ("ours", 0.0, 0.5, 20.0),
            ("ours", 9.0, 0.9, 30.0),
            ("jpeg", 0.0, 0.4, 19.0),
            ("jpeg", 9.0, 0.8, 29.0),
            ("webp", 0.0, 0.4, 19.0),
            ("webp", 9.0, 0.8, 30.0),
            ("avif", 0.0, 0.4, 19.0),
        )
    ]
    (lead,) = readme_results.leads_of(["ours"], means, means)
    assert lead == {"model": "ours", "codecs": "JPEG (by 0.100 and 1.000 dB)"}
    assert readme_results.leads_of(["ours"], means, means[:2]) == []
