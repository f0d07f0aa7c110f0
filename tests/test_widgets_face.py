"""The bundler, and the Python face of labs and self-checks: traits, HTML, no widget where none is wanted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings

import pytest

import mlmlib as mlm
from mlmlib.widgets import bundle as bundling
from mlmlib.widgets import component, labs
from mlmlib.widgets.bundle import bundle, modules

ENTRIES = [f"{name}.js" for name in labs.__all__] + ["ask.js"]


# --- the bundler ----------------------------------------------------------------------------------


def test_modules_come_after_what_they_need():
    order = modules("least_squares.js")
    assert order[-1] == "least_squares.js" and order.index("svg.js") < order.index("frame.js") < order.index(
        "least_squares.js"
    )
    assert len(set(order)) == len(order)


@pytest.mark.parametrize("entry", ENTRIES)
def test_bundle_is_one_module_without_imports(entry, tmp_path):
    text = bundle(entry)
    assert (
        "\nimport " not in text
        and text.count("\nexport ") == 1
        and text.rstrip().endswith(f'export default M["{entry}"].default;')
    )
    assert "</script" not in text and "</script" not in bundle(entry, "x")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    if not shutil.which("node"):
        pytest.skip("NO NODE ON THIS MACHINE: the bundle's syntax is checked in the browser only")
    path = tmp_path / "bundle.mjs"
    path.write_text(text, encoding="utf-8")
    found = "{ if (typeof m.default.render !== 'function') process.exit(3); }"
    check = f"import({json.dumps(path.as_uri())}).then((m) => {found})"
    done = subprocess.run(["node", "--input-type=module", "-e", check], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """An own folder of modules for the bundler."""
    monkeypatch.setattr(bundling, "SOURCES", tmp_path)
    bundle.cache_clear(), modules.cache_clear()
    yield lambda **files: [(tmp_path / f"{name}.js").write_text(text, encoding="utf-8") for name, text in files.items()]
    bundle.cache_clear(), modules.cache_clear()


def test_every_form_of_import_and_export(sources, tmp_path):
    sources(
        a="export const one = 1;\nexport function two() { return 2; }\nconst three = 3;\nexport { three as drei };\n",
        b='import {\n  one,\n  two as zwei,\n} from "./a.js";\nimport * as all from "./a.js";\n'
        "export class C {}\nexport default [one, zwei(), all.drei];\n",
        c="import list from './b.js';\n// import no from './nowhere.js';\nexport default { render: () => list };\n",
    )
    text = bundle("c.js")
    if not shutil.which("node"):
        pytest.skip("NO NODE ON THIS MACHINE: the forms of import are not run")
    path = tmp_path / "made.mjs"
    path.write_text(text + "\n", encoding="utf-8")
    run = f"import({json.dumps(path.as_uri())}).then((m) => console.log(JSON.stringify(m.default.render())))"
    done = subprocess.run(["node", "--input-type=module", "-e", run], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [1, 2, 3], done.stderr


def test_what_cannot_be_bundled_is_refused(sources):
    sources(
        a="export let { x, y } = f();\n",
        b='import "./a.js";\n',
        c='import { d } from "./d.js";\n',
        d='import { c } from "./c.js";\n',
    )
    with pytest.raises(ValueError, match="cannot bundle the line 'export let"):
        bundle("a.js")
    with pytest.raises(ValueError, match="cannot bundle the line 'import"):
        bundle("b.js")
    with pytest.raises(ValueError, match="in a circle"):
        modules("c.js")


# --- the Python face ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", labs.__all__)
def test_lab_in_jupyter_is_a_widget_that_carries_html_too(name):
    anywidget = pytest.importorskip("anywidget")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lab = getattr(mlm.labs, name)()
        data = lab._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert isinstance(lab, anywidget.AnyWidget)
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
    assert data["text/plain"].startswith(f"mlm.labs.{name}(")
    assert lab._esm == bundle(f"{name}.js")


def test_traits_are_plain_and_can_be_set():
    np = pytest.importorskip("numpy")
    lab = mlm.labs.design_effect(icc=np.float64(0.2), n=np.int64(12))
    assert lab.icc == 0.2 and type(lab.icc) is float and type(lab.n) is int
    lab.icc = np.float32(0.25)
    assert lab.icc == 0.25 and type(lab.icc) is float
    points = mlm.labs.least_squares(x=np.arange(4.0), y=[40, 50, 55, 70])
    assert points.x == [0.0, 1.0, 2.0, 3.0] and type(points.x) is list
    assert '"x":[0.0,1.0,2.0,3.0]' in points.to_html()
    with pytest.raises(TypeError, match="must be numbers, text"):
        lab.icc = object()


@pytest.mark.parametrize("name", labs.__all__)
def test_python_and_module_name_the_same_state(name, browser, tmp_path):
    from lab_page import LabPages

    pages = LabPages(browser, tmp_path)
    lab = getattr(mlm.labs, name)()
    seen = pages(lab).host.evaluate("(host) => [Object.keys(host.lab.spec.state), host.lab.opening]")
    pages.check()
    for key in seen[0]:
        value = getattr(lab, key)
        assert value is None or seen[1][key] == value


CONTRACT = """async (text) => {
  const { default: { render } } = await import(`data:text/javascript;base64,${btoa(unescape(encodeURIComponent(text)))}`);
  const values = { icc: 0.2, n: 10, J: 20, keep: false, total: 200, data: null, result: null }, calls = {}, sets = [];
  const model = { get: (k) => values[k], on: (e, f) => { (calls[e] ??= []).push(f); }, off: (e) => { delete calls[e]; },
    set: (k, v) => { values[k] = v; sets.push(k); }, save_changes: () => { sets.push('saved'); } };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const end = render({ model, el: document.body });
  await wait(100);
  const opening = { ...values.result };
  values.n = 40;                                       // Python sets a trait
  for (const f of calls['change:n']) f();
  await wait(700);
  const fromPython = values.result.deff;
  const slider = document.querySelector('.mlm-lab-host').shadowRoot.querySelector('input[data-key=icc]');
  slider.value = 0.3;                                  // a reader moves a slider
  slider.dispatchEvent(new Event('input'));
  await wait(700);
  end();
  return { opening, fromPython, icc: values.icc, deff: values.result.deff, saved: sets.at(-1), left: Object.keys(calls) };
}"""


@pytest.mark.browser
def test_module_keeps_the_contract_of_anywidget(browser):
    page = browser.new_page()
    page.goto("about:blank")
    seen = page.evaluate(CONTRACT, bundle("design_effect.js"))
    page.close()
    assert seen["opening"]["deff"] == pytest.approx(1 + 9 * 0.2) and seen["opening"]["N"] == 200
    assert seen["fromPython"] == pytest.approx(1 + 39 * 0.2)
    assert seen["icc"] == 0.3 and seen["deff"] == pytest.approx(1 + 39 * 0.3)
    assert seen["saved"] == "saved" and seen["left"] == []


def test_static_build_makes_html_and_one_copy_of_the_module(monkeypatch):
    monkeypatch.setenv(component.STATIC, "1")
    monkeypatch.setattr(component, "_carriers", {})
    first, second = mlm.labs.design_effect(), mlm.labs.design_effect(icc=0.3)
    assert set(first._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert not hasattr(first, "_esm")
    for _ in range(2):
        assert first.to_html().count('<script type="module">') == 1 and '<script type="module">' not in second.to_html()
    assert '"icc":0.3' in second.to_html()
    other = mlm.ask.progress()
    assert '<script type="module">' in other.to_html()


def test_without_anywidget_there_is_html():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import mlmlib as mlm\n"
        "lab = mlm.labs.design_effect(); q = mlm.ask.number('ch01-x', '?', 1.0)\n"
        "assert set(lab._repr_mimebundle_()) == {'text/plain', 'text/html'} == set(q._repr_mimebundle_())\n"
        "assert lab.icc == 0.1 and 'ipywidgets' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_importing_the_library_imports_no_widget():
    code = "import sys, mlmlib; assert not {'anywidget', 'ipywidgets', 'mlmlib.widgets'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_state_that_would_end_the_script_is_escaped():
    lab = mlm.ask.choice("ch01-x", "Is `</script><!--` a tag?", {"a": "b", "c": "d"}, right="a")
    assert lab.to_html().count("</script>") == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mlm.labs.design_effect(icc=0.9), "0 to 0.5"),
        (lambda: mlm.labs.design_effect(n=0), "1 to 80"),
        (lambda: mlm.labs.least_squares(school=1), "no school '?1"),
        (lambda: mlm.labs.least_squares(x=[1, 2]), "x has 2 points and y has 14"),
    ],
)
def test_bad_openings_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labs_are_documented():
    for name in labs.__all__:
        lab = getattr(mlm.labs, name)
        assert "chapter" in lab.__doc__
    with pytest.raises(AttributeError, match="there are .*coverage"):
        _ = mlm.labs.nothing
