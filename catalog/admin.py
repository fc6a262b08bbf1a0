"""Items and facets for staff, checked by the rules of imports."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field, QuerySet
from django.forms import ChoiceField
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog.attributes import Attributes, parse_attributes
from catalog.models import Facet, Item, ItemFacet
from core.admin import choice_filter
from core.domain import FACETS
from core.values import DESCRIPTION, EXTERNAL_ID, KIND, OTHER_TITLE, TITLE, YEAR, BadValue, Rule

_FACET_KINDS = {facet.name: facet.label for facet in FACETS.values()}

_RULES: dict[str, Rule[Any]] = {
    "kind": KIND,
    "external_id": EXTERNAL_ID,
    "title": TITLE,
    "original_title": OTHER_TITLE,
    "year": YEAR,
    "description": DESCRIPTION,
}


class AttributesField(forms.Field):
    """Attributes as the text of a JSON object; an empty text is none."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: str | Attributes | None) -> str:
        return value if isinstance(value, str) else json.dumps(value or {}, ensure_ascii=False, indent=2)

    def to_python(self, value: str | None) -> Attributes:
        try:
            return parse_attributes(value) if value and value.strip() else {}
        except ValueError as error:
            raise forms.ValidationError(f"This {error}.") from error


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]  # Django cannot be subscripted
    """An item with its values checked as an import checks them."""

    attributes = AttributesField(
        required=False, help_text='A JSON object: {"runtime": 104, "country": ["Portugal", "France"]}'
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, rule in _RULES.items():
            if cleaned.get(name) not in (None, ""):
                try:
                    cleaned[name] = rule(cleaned[name])
                except BadValue as error:
                    self.add_error(name, f"This {error}.")
        return cleaned


class ItemFacetInline(TabularInline):  # type: ignore[misc]
    model = ItemFacet
    extra = 0
    autocomplete_fields = ("facet",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ItemFacet]:
        rows: QuerySet[ItemFacet] = super().get_queryset(request)
        return rows.select_related("item", "facet")


@admin.register(Item)
class ItemAdmin(ModelAdmin):  # type: ignore[misc]
    form = ItemForm
    change_form_outer_before_template = "admin/item_link.html"
    list_display = ("title", "kind", "year", "is_active", "is_synthetic")
    list_filter = ("kind", "is_active", "is_synthetic")
    search_fields = ("title", "original_title", "external_id")
    inlines = (ItemFacetInline,)


@admin.register(Facet)
class FacetAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "kind")
    list_filter = (choice_filter("kind", "kind", _FACET_KINDS),)
    search_fields = ("name",)

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        if db_field.name == "kind":
            return ChoiceField(choices=list(_FACET_KINDS.items()))
        field: FormField | None = super().formfield_for_dbfield(db_field, request, **kwargs)
        return field
