# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed works wherever it lies, other projects find it, and it can be removed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VQDEEPSC_BUILD", SOURCE / "build"))
MANIFEST = BUILD / "install_manifest.txt"
OURS = ("PYTHONPATH", "VQDEEPSC_MODELS", "GRC_BLOCKS_PATH")


def run(*command, **environment):
    """Output of a command that ends well, without the variables that the tests set."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        list(map(str, command)),
        env=inherited | environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def install():
    """Installs into a prefix; the build remembers its last real installation afterwards."""
    before = MANIFEST.read_bytes() if MANIFEST.exists() else None
    yield lambda prefix: run("cmake", "--install", BUILD, "--prefix", prefix)
    MANIFEST.unlink(missing_ok=True)
    if before is not None:
        MANIFEST.write_bytes(before)


@pytest.fixture
def moved(install, tmp_path):
    """An installation that was moved after it was made."""
    install(tmp_path / "staged")
    return (tmp_path / "staged").rename(tmp_path / "moved here")


def only(folder, pattern):
    (found,) = folder.rglob(pattern)
    return found


def test_a_moved_installation_runs(moved):
    assert "vqdeepsc-4s" in run(moved / "bin" / "vqdeepsc", "models")
    packages = only(moved, "kernels*.so").parents[1]
    used = run(
        sys.executable,
        "-c",
        "from gnuradio.vqdeepsc import zero_fill; import vqdeepsc; print(vqdeepsc.__file__)\n"
        "print([line for line in open('/proc/self/maps') if 'libgnuradio-vqdeepsc' in line])",
        PYTHONPATH=str(packages),
    )
    assert str(packages) in used
    assert str(moved) in used.split("\n")[1]


def test_another_project_finds_it(moved, tmp_path):
    project = tmp_path / "project"
    description = only(moved, "gnuradio-vqdeepsc.pc")
    run(
        *("cmake", "-S", Path(__file__).parent, "-B", project, f"-DCMAKE_PREFIX_PATH={moved}"),
        PKG_CONFIG_PATH=str(description.parent),
    )
    run("cmake", "--build", project)
    run(project / "by_find_package")
    run(project / "by_pkg_config")


@pytest.mark.skipif(not shutil.which("grcc"), reason="GNU Radio Companion is not here")
def test_companion_generates_cpp_that_builds_and_runs(moved, tmp_path):
    program = Path(__file__).with_name("companion_cpp.py")
    run(sys.executable, program, SOURCE / "grc", moved, tmp_path / "companion")


def test_uninstall_removes_what_was_installed(install, tmp_path):
    prefix = tmp_path / "prefix"
    install(prefix)
    kept = prefix / "share" / "vqdeepsc" / "models" / "mine" / "manifest.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    run(sys.executable, "-m", "compileall", "-q", prefix)
    run("cmake", "--build", BUILD, "--target", "uninstall")
    assert [path for path in prefix.rglob("*") if not path.is_dir()] == [kept]
    left = [path for path in prefix.rglob("*vqdeepsc*") if path not in kept.parents]
    assert not left


@pytest.mark.skipif(not shutil.which("gr_modtool"), reason="GNU Radio's gr_modtool is not here")
def test_gr_modtool_adds_blocks_that_build(tmp_path):
    tree = tmp_path / "gr-vqdeepsc"
    shutil.copytree(
        SOURCE,
        tree,
        ignore=shutil.ignore_patterns(".git", "build", "prefix", "demo", "models", "training"),
    )
    (tree / "models").mkdir()
    for language in ("cpp", "python"):
        subprocess.run(
            ["gr_modtool", "add", "-t", "sync", "-l", language, "--argument-list", "float gain"]
            + ["--copyright", "somebody", "--add-python-qa"]
            + (["--add-cpp-qa"] if language == "cpp" else [])
            + [f"of_{language}_ff"],
            cwd=tree,
            capture_output=True,
            check=True,
        )
    block = tree / "lib" / "of_cpp_ff_impl.cc"
    # gr_modtool asks for the types of the items.
    text = "\n".join(line for line in block.read_text().split("\n") if "#pragma" not in line)
    block.write_text(text)
    cache = BUILD / "CMakeCache.txt"
    python = next(
        line.partition("=")[2] for line in cache.open() if line.startswith("PYTHON_EXECUTABLE:")
    ).strip()
    build = tmp_path / "build"
    run("cmake", "-S", tree, "-B", build, "-G", "Unix Makefiles", f"-DPYTHON_EXECUTABLE={python}")
    run("make", "-C", build / "lib", "of_cpp_ff_impl.o")
    run("make", "-C", build / "python" / "vqdeepsc" / "bindings", "of_cpp_ff_python.o")
    tests = run("ctest", "--test-dir", build, "-N")
    for name in ("qa_of_cpp_ff.cc", "qa_of_cpp_ff", "qa_of_python_ff"):
        assert name in tests
    installed = (build / "grc" / "cmake_install.cmake").read_text()
    assert "vqdeepsc_of_cpp_ff.block.yml" in installed
    assert "vqdeepsc_of_python_ff.block.yml" in installed
