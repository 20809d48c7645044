# SPDX-License-Identifier: Apache-2.0
"""GET /docs in a real browser: it asks for nothing but the page, complains of nothing, and shows
every operation."""

import base64
import json
import os
from urllib.parse import urlsplit

import pytest
import yaml

import harness
from browser import Browser
from witnesses import ROOT

pytestmark = pytest.mark.witness("chromium")


@pytest.fixture(scope="module")
def svc(tmp_path_factory):
    cluster = harness.Postgres()
    cloud = harness.Cloud(tmp_path_factory.mktemp("cloud") / "data")
    spotlist = harness.Spotlist(tmp_path_factory.mktemp("svc"), cluster.create_database(), cloud)
    yield spotlist
    spotlist.stop()
    cloud.stop()
    cluster.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.stop()


@pytest.fixture
def page(svc, browser):
    browser.call("Emulation.setEmulatedMedia", features=[])
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=1600,
                 deviceScaleFactor=1, mobile=False)
    browser.open(f"{svc.url}/docs")
    yield browser
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def operation_ids():
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return [operation["operationId"] for item in document["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict) and "operationId" in operation]


VISIBLE = """
(() => {
	const ids = %s;
	return ids.filter((id) => {
		const part = document.getElementById(id);
		return part && part.checkVisibility() && part.getBoundingClientRect().height > 50 &&
			part.querySelector(".id").innerText === id;
	});
})()
"""


def visible(browser):
    return browser.evaluate(VISIBLE % json.dumps(operation_ids()))


def keep(browser, name):
    """A picture for whoever wants to look: SPOTLIST_SCREENSHOTS=DIR."""
    if os.environ.get("SPOTLIST_SCREENSHOTS"):
        shot = browser.call("Page.captureScreenshot", format="png")["data"]
        path = os.path.join(os.environ["SPOTLIST_SCREENSHOTS"], f"{name}.png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot))


def test_nothing_is_asked_for_but_the_page(svc, page):
    asked = [event["request"]["url"] for event in page.saw("Network.requestWillBeSent")]
    assert f"{svc.url}/docs" in asked
    others = [url for url in asked
              if urlsplit(url).netloc != urlsplit(svc.url).netloc and not url.startswith("data:")]
    assert others == []
    assert len([url for url in asked if not url.startswith("data:")]) == 1
    assert page.complaints() == []


def test_every_operation_is_shown(page):
    assert visible(page) == operation_ids()
    keep(page, "light")


def test_every_link_inside_leads_somewhere(page):
    lost = page.evaluate("""[...document.querySelectorAll('a[href^="#"]')]
        .map((a) => a.getAttribute("href").slice(1)).filter((id) => !document.getElementById(id))""")
    assert lost == []


def test_the_filter_leaves_what_was_asked_for(page):
    page.evaluate("document.getElementById('filter').focus()")
    page.call("Input.insertText", text="delivery_replay")
    assert "delivery_replay" in visible(page)
    assert len(visible(page)) < len(operation_ids())
    page.evaluate("""document.getElementById("filter").dispatchEvent(
        new KeyboardEvent("keydown", {key: "Escape", bubbles: true}))""")
    assert visible(page) == operation_ids()
    assert page.complaints() == []


def test_it_needs_no_javascript(svc, browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{svc.url}/docs")
    assert visible(browser) == operation_ids()
    assert browser.evaluate("document.getElementById('filter').checkVisibility()") is False
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_dark_and_narrow(page):
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.call("Emulation.setEmulatedMedia",
              features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    keep(page, "dark")
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1,
              mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "it scrolls sideways"
    assert visible(page) == operation_ids()
    keep(page, "narrow")
