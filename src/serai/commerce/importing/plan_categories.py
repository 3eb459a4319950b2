"""Find the category that a row names, by path (``Drinks > Tea``) or by a name that one category alone has; else plan it."""

from collections.abc import Sequence
from uuid import UUID

from serai.commerce.catalogue.api import make_slug
from serai.commerce.catalogue.types import Category
from serai.commerce.importing.types import Reason
from serai.foundation.errors import _
from serai.foundation.i18n import LOCALES, translate
from serai.foundation.ids import derive_id
from serai.identity.merchant.api import Merchant

OTHER = _("Other goods")


def fold_name(name: str) -> str:
    """A category's name as it is compared: without case and without blanks that do not count."""
    return " ".join(name.split()).casefold()


class CategoryPlan:
    """The merchant's categories with those that an import adds. ``take_pending`` hands over what is to be written."""

    def __init__(self, categories: Sequence[Category], merchant: Merchant) -> None:
        self._merchant = merchant
        self._by_path: dict[tuple[UUID | None, str], Category] = {}
        self._by_name: dict[str, list[Category]] = {}
        self._pending: list[Category] = []
        self.categories: list[Category] = []
        self.made: list[str] = []
        for category in categories:
            self._keep(category)

    def _keep(self, category: Category) -> None:
        self.categories.append(category)
        for name in {fold_name(n) for n in (category.name, *category.translations.values())}:
            self._by_path.setdefault((category.parent_id, name), category)
            self._by_name.setdefault(name, []).append(category)

    def take_pending(self) -> list[Category]:
        """Categories planned since the last call, parents before children."""
        pending, self._pending = self._pending, []
        return pending

    def find(self, path: tuple[str, ...]) -> UUID | None:
        """The category of a path, None where it is missing; nothing is planned."""
        parent: Category | None = None
        for name in path:
            parent = self._by_path.get((parent.category_id if parent else None, fold_name(name)))
            if parent is None:
                return None
        return parent.category_id if parent else None

    def place(self, path: tuple[str, ...]) -> UUID | Reason:
        """The category of a path, planned where it is missing; a reason when one name may mean several."""
        if not path:
            return self._place_other()
        if len(path) == 1 and (None, fold_name(path[0])) not in self._by_path:
            named = self._by_name.get(fold_name(path[0]), [])
            if len(named) > 1:
                message = _(
                    "There are several categories %(value)s. Please write the department too: A > %(value)s."
                )
                return Reason(message, {"value": path[0]})
            if named:
                return named[0].category_id
        parent: Category | None = None
        for depth, name in enumerate(path):
            known = self._by_path.get((parent.category_id if parent else None, fold_name(name)))
            parent = known or self._plan(name, parent, path[: depth + 1], {})
        assert parent is not None
        return parent.category_id

    def _place_other(self) -> UUID:
        """Where new products without a category go."""
        name = translate(OTHER, self._merchant.locale)
        if (None, fold_name(name)) not in self._by_path:
            names = {locale: translate(OTHER, locale) for locale in LOCALES}
            return self._plan(name, None, (OTHER,), names).category_id
        return self._by_path[None, fold_name(name)].category_id

    def _plan(
        self, name: str, parent: Category | None, path: tuple[str, ...], names: dict[str, str]
    ) -> Category:
        # The id follows from the names, so two imports that run one after the other mean the same category.
        category_id = derive_id("imported category", self._merchant.merchant_id, *map(fold_name, path))
        slug = make_slug(" ".join(path), category_id.hex[-6:])
        parent_id, motif = (parent.category_id, parent.motif) if parent else (None, None)
        category = Category(category_id, parent_id, slug, name, names, motif, len(self.categories), True)
        self._keep(category)
        self._pending.append(category)
        self.made.append(" > ".join(path) if not names else name)
        return category
