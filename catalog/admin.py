from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from catalog.models import Facet, Item, ItemFacet


class ItemFacetInline(TabularInline):  # type: ignore[misc]
    model = ItemFacet
    extra = 0
    autocomplete_fields = ("facet",)


@admin.register(Item)
class ItemAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "kind", "year", "is_active", "is_synthetic")
    list_filter = ("kind", "is_active", "is_synthetic")
    search_fields = ("title", "original_title", "external_id")
    inlines = (ItemFacetInline,)


@admin.register(Facet)
class FacetAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "kind")
    list_filter = ("kind",)
    search_fields = ("name",)
