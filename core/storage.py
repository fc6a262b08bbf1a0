"""Storage of the static files in production."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModulesStorage(CompressedManifestStaticFilesStorage):
    """Hashed and compressed files, whose JavaScript modules import each other under their hashed names.

    Otherwise a module would be loaded twice: by its hashed name from a page, by its plain one from another
    module (docs/decisions/0024-javascript-modules.md).
    """

    support_js_module_import_aggregation = True
