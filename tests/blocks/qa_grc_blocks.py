# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block description in grc/ loads, is documented and names what its block takes."""

import ast
import inspect
import math
import re
from pathlib import Path

import yaml
from gnuradio import gr, gr_unittest, vqdeepsc
from gnuradio.grc.core.platform import Platform

GRC = Path(__file__).resolve().parents[2] / "grc"


def parameter_names(block) -> list[str]:
    """Names of the constructor's parameters, of a Python or a bound class."""
    if issubclass(type(block), type) and "__init__" in vars(block):
        signature = re.search(r"__init__\((.*?)\) ->", block.__init__.__doc__ or "", re.S)
        if signature:
            return re.findall(r"(\w+): ", signature[1])[1:]
    return list(inspect.signature(block.__init__).parameters)[1:]


def literal(text: str) -> object:
    """What Python reads there, sequences as lists; a text for what is an expression."""
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return list(value) if isinstance(value, tuple) else value


def parameter_defaults(block) -> dict[str, object]:
    """Defaults of the constructor's parameters, of a Python or a bound class."""
    if issubclass(type(block), type) and "__init__" in vars(block):
        signature = re.search(r"__init__\((.*?)\) ->", block.__init__.__doc__ or "", re.S)
        if signature:
            shown = re.findall(r"(\w+): [^=]*? = ('[^']*'|[\[(].*?[\])]|[^,)\s]+)", signature[1])
            return {name: literal(value) for name, value in shown}
    parameters = inspect.signature(block.__init__).parameters.values()
    return {
        each.name: literal(repr(each.default))
        for each in parameters
        if each.default is not each.empty
    }


class TestGrcBlocks(gr_unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.descriptions = {
            path.name.removeprefix("vqdeepsc_").removesuffix(".block.yml"): yaml.safe_load(
                path.read_text()
            )
            for path in GRC.glob("*.block.yml")
        }
        cls.platform = Platform(
            version=gr.version(),
            prefs=gr.prefs(),
            version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()),
        )
        cls.platform.build_library()

    def test_each_block_has_a_description(self):
        functions = {
            "burst_transport_blocks",
            "known_transport_blocks",
            "known_uep_profiles",
            "qam_points",
            "sample_image",
            "transport_blocks",
        }
        blocks = set(vqdeepsc.__all__) - functions
        self.assertEqual(set(self.descriptions), blocks)

    def test_companion_loads_them(self):
        for description in self.descriptions.values():
            self.assertIn(description["id"], self.platform.blocks)

    def test_documentation_speaks_of_ports_and_parameters(self):
        for name, description in self.descriptions.items():
            with self.subTest(name):
                text = description["documentation"]
                for port in [*description.get("inputs", []), *description.get("outputs", [])]:
                    if port["domain"] == "message":
                        self.assertRegex(text, rf"\b{port['id']}\b")
                for parameter in description["parameters"]:
                    label = parameter["label"].split(" (")[0].split(" Es/N0")[0]
                    if parameter["dtype"] != "gui_hint":
                        self.assertIn(label.lower(), text.lower(), parameter["id"])

    def test_make_names_the_parameters_of_the_constructor(self):
        for name, description in self.descriptions.items():
            with self.subTest(name):
                templates = description["templates"]
                make = templates.get("make") or templates["var_make"]
                call = re.search(rf"vqdeepsc\.{name}\((.*?)\)\s*(?:for |$|\n)", make, re.S)[1]
                given = set(re.findall(r"(\w+)=", call))
                taken = parameter_names(getattr(vqdeepsc, name))
                self.assertLessEqual(given, set(taken))
                self.assertGreater(len(taken), 0)

    def test_defaults_are_those_of_the_constructor(self):
        """Model, amplitude, iterations and the like stand in both."""
        compared = 0
        for name, description in self.descriptions.items():
            templates = description["templates"]
            make = templates.get("make") or templates["var_make"]
            defaults = parameter_defaults(getattr(vqdeepsc, name))
            shown = {each["id"]: str(each.get("default", "")) for each in description["parameters"]}
            for argument, parameter in re.findall(r"(\w+)=\$\{\s*(\w+)\s*\}", make):
                if argument not in defaults or parameter not in shown:
                    continue
                known, value = defaults[argument], literal(shown[parameter])
                if value == "samp_rate" or str(value).startswith("vqdeepsc.known_"):
                    continue  # what only Companion can know
                compared += 1
                with self.subTest(name, parameter=parameter):
                    if isinstance(known, float) and isinstance(value, int | float):
                        # the binding shows a float of C++
                        self.assertTrue(math.isclose(known, value, rel_tol=1e-6), (known, value))
                    else:
                        self.assertEqual(value, known)
        self.assertGreater(compared, 60)

    def test_cpp_flowgraphs_have_values_of_cpp(self):
        flow_graph = self.platform.make_flow_graph()
        for name, description in self.descriptions.items():
            if "cpp" not in description["flags"]:
                continue
            with self.subTest(name):
                block = flow_graph.new_block(description["id"])
                if "transport_blocks" in block.params:
                    block.params["transport_blocks"].set_value("[(32, 96), (20000, 60000)]")
                flow_graph.rewrite()
                templates = block.cpp_templates
                translations = yaml.safe_load(templates.render("translations") or "{}")
                for code in [templates.render("make"), *templates.render("callbacks")]:
                    for key, value in translations.items():
                        code = re.sub(key, value, code)
                    self.assertNotRegex(code, r"'|\[|\bTrue\b|\bFalse\b|None")
                if "transport_blocks" in block.params:
                    self.assertIn("{{32, 96}, {20000, 60000}}", templates.render("make"))

    def test_callbacks_exist(self):
        for name, description in self.descriptions.items():
            for callback in description["templates"].get("callbacks", []):
                with self.subTest(name, callback=callback):
                    self.assertTrue(hasattr(getattr(vqdeepsc, name), callback.split("(")[0]))


if __name__ == "__main__":
    gr_unittest.run(TestGrcBlocks)
