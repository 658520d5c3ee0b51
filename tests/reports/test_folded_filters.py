"""On a phone a report's filters are folded; what is chosen stands in a line."""

import re

from tests.factories import get_default_queue, open_portal


def test_what_is_chosen_of_a_folded_form_is_said_in_words(session, signed_in, mara):
    open_portal(session)
    browser, queue = signed_in(mara), get_default_queue(session)

    def said(query):
        page = browser.get(f"/reports/funnel{query}").text
        assert page.count('<details class="report-fold">') == 1  # folded as it comes
        return re.findall(r'<p class="report-active">(.*?)</p>', page)

    assert said("") == []
    assert said(f"?queue={queue.ref}&from=2026-01&country=ES") == [
        f"From month: 2026-01 · Country: ES · Queue: {queue.name}"
    ]
