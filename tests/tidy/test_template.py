"""Templates speak every language of the house."""

import pytest
from tests.tidy.source import ROOT, Source, read_sources
from tests.tidy.template_rule import list_unmarked_texts
from tests.tidy.verdict import expect_none


def test_every_text_in_a_template_is_marked_for_translation() -> None:
    expect_none(list_unmarked_texts(read_sources(ROOT, "src/serai", suffixes=(".html",))))


@pytest.mark.parametrize(
    "template",
    [
        "<p>Your cart is empty</p>",
        "<h1>{{ product.title }} in stock</h1>",
        '<img alt="A loaf of bread">',
        '<button aria-label="Close">×</button>',
        '<input type="submit" value="Pay">',
        "{% if a %}<p>{{ _('Fine') }}</p>{% else %}<p>Not fine</p>{% endif %}",
        "{{ 'Sold out' }}",
        "{{ name or 'Guest' }}",
        "{{ 'Open' if open else _('Closed') }}",
        "<p>购物车</p>",
        "{% macro m() %}<b>Total</b>{% endmacro %}",
    ],
)
def test_an_unmarked_text_is_found(template: str) -> None:
    assert list_unmarked_texts([Source("a.html", template)]) != []


@pytest.mark.parametrize(
    "template",
    [
        "<p>{{ _('Your cart is empty') }}</p>",
        "<p>{% trans n=n %}{{ n }} item{% pluralize %}{{ n }} items{% endtrans %}</p>",
        '<img alt="{{ _("A loaf of bread") }}">',
        '<a href="/cart" class="button primary" title="{{ t }}">{{ total }} · 12 g</a>',
        "<script>const text = 'not read';</script><style>p { color: red }</style>",
        '<span translate="no">Serai Demo Market</span>',
        "<title>{{ title }} – Serai</title>",
        "{# a comment #}{% set kind = 'primary' %}{{ url('home') }}",
        "{% if a %}<div class='x'>{% else %}<div>{% endif %}{{ b }}</div>",
        '<button name="do" value="remove">×</button>',
        '{% macro describe(id) %} aria-describedby="{{ id }}-hint"{% endmacro %}',
    ],
)
def test_a_marked_or_silent_text_is_fine(template: str) -> None:
    assert list_unmarked_texts([Source("a.html", template)]) == []
