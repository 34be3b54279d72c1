# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks run on: what is known and installed, and that the image is the same."""

import numpy as np
import onnxruntime
import pytest
from conftest import assert_one_sentence, run_here
from vqdeepsc.codec import Codec
from vqdeepsc.codec.providers import PROVIDERS, Provider
from vqdeepsc.errors import ParameterError
from vqdeepsc.images.files import save_image


def installed(name: str) -> bool:
    return Provider(name).execution in onnxruntime.get_available_providers()


def test_names_and_precisions():
    assert Provider.parse("cpu") == Provider()
    assert Provider.parse("openvino:bfloat16") == Provider("openvino", "bfloat16")
    for text, words in (
        ("tpu", "cpu, openvino, cuda"),
        ("", "there is no provider ''"),
        ("cpu:bfloat16", "the provider cpu has no precision 'bfloat16', only float32"),
    ):
        with pytest.raises(ParameterError, match=words):
            Provider.parse(text)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_decodes_the_image_or_is_refused(provider, photograph):
    if not installed(provider):
        with pytest.raises(
            ParameterError, match=f"no provider {provider}: install the Python package"
        ):
            Codec(provider=provider)
        return
    pixels = photograph[:64, :96]
    reference = Codec()
    codec = Codec(provider=provider)
    indices = reference.encode(pixels)
    for scale, found in codec.encode(pixels).maps.items():
        assert np.mean(found == indices.maps[scale]) > 0.98
    decoded = codec.decode(codec.one_hot(indices), 96, 64).astype(int)
    assert np.abs(decoded - reference.decode(reference.one_hot(indices), 96, 64)).max() <= 1


@pytest.mark.parametrize("name", ["tpu", "cpu:float16"])
def test_the_command_line_says_what_is_wrong(name, capfd, tmp_path, photograph):
    save_image(tmp_path / "sent.png", photograph[:32, :32])
    output = tmp_path / "sent.vqd"
    done = run_here(capfd, "encode", tmp_path / "sent.png", "-o", output, "--provider", name)
    assert_one_sentence(done, "provider")
    assert not output.exists()
