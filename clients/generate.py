"""Makes the types of both clients of docs/openapi.json, or with --check says whether they are of it.

python clients/generate.py [--check]    TypeScript needs `npm ci` in the folder above.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DESCRIPTION = HERE.parent / "docs" / "openapi.json"
PYTHON = HERE / "python" / "heed_client" / "schema.py"
TYPESCRIPT = HERE / "typescript" / "src" / "schema.ts"
GENERATOR = HERE.parent / "node_modules" / ".bin" / "swagger-typescript-api"
HEADER = '''"""The forms of bodies and answers, made by clients/generate.py of docs/openapi.json"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

'''
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def type_of(form: Mapping[str, Any]) -> str:
    """The Python type that a form of OpenAPI describes."""
    said = _without_null(form)
    return f"{said} | None" if form.get("nullable") and not said.endswith("| None") else said


def _without_null(form: Mapping[str, Any]) -> str:
    if "$ref" in form:
        return f'"{form["$ref"].rpartition("/")[2]}"'.strip('"')
    for several in ("allOf", "oneOf", "anyOf"):
        if several in form:
            return " | ".join(dict.fromkeys(type_of(one) for one in form[several]))
    if "enum" in form:
        values = [None if value is None else value for value in form["enum"]]
        return f"Literal[{', '.join(json.dumps(value) for value in values)}]".replace("null", "None")
    match form.get("type"):
        case "array":
            return f"list[{type_of(form['items'])}]"
        case "object" if form.get("additionalProperties"):
            return f"dict[str, {type_of(form['additionalProperties'])}]"
        case "object":
            return "dict[str, Any]"
        case str(name):
            return _PLAIN[name]
    return "Any"


def python_of(schemas: Mapping[str, Any]) -> str:
    """The module of all forms: first the choices, then what is made of them."""
    choices = {name: form for name, form in schemas.items() if "properties" not in form}
    objects = {name: form for name, form in schemas.items() if "properties" in form}
    plain = {name: form for name, form in choices.items() if "enum" in form}
    lines = [line for name, form in plain.items() for line in _alias(name, type_of(form))]
    for name, form in objects.items():
        lines += ["", "", *_class(name, form)]
    lines += ["", ""]
    for name, form in choices.items():
        if name not in plain:
            lines += _alias(name, type_of(form))
    return HEADER + "\n".join(lines).strip() + "\n"


def _alias(name: str, said: str) -> Iterator[str]:
    yield f"{name}: TypeAlias = {said}"


def _class(name: str, form: Mapping[str, Any]) -> Iterator[str]:
    required = set(form.get("required", ()))
    yield f"class {name}(TypedDict):"
    yield f'    """{form.get("description", name).splitlines()[0]}"""'
    yield ""
    for field, of_field in form["properties"].items():
        said = type_of(of_field)
        yield f"    {field}: {said}" if field in required else f"    {field}: NotRequired[{said}]"


def schemas_of(description: Path) -> dict[str, Any]:
    """The forms of a description by name, each after those that it is made of."""
    schemas: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))["components"]["schemas"]
    ordered: dict[str, Any] = {}

    def add(name: str) -> None:
        if name not in ordered:
            for used in _names_in(schemas[name]):
                add(used)
            ordered[name] = schemas[name]

    for name in schemas:
        add(name)
    return ordered


def _names_in(form: Any) -> Iterator[str]:
    if isinstance(form, dict):
        if isinstance(form.get("$ref"), str):
            yield form["$ref"].rpartition("/")[2]
        for value in form.values():
            yield from _names_in(value)
    elif isinstance(form, list):
        for value in form:
            yield from _names_in(value)


def digest_of(schemas: Mapping[str, Any]) -> str:
    """The hash of the forms, which the first line of the types in TypeScript names."""
    return hashlib.sha256(json.dumps(schemas, sort_keys=True).encode()).hexdigest()


def write_typescript(schemas: Mapping[str, Any]) -> None:
    """Has the generator write the types, with what they were made of above them."""
    where = ["--path", str(DESCRIPTION), "--output", str(TYPESCRIPT.parent), "--name", TYPESCRIPT.name]
    how = ["--no-client", "--enum-style=union", "--sort-types", "--silent"]
    subprocess.run([GENERATOR, "generate", *where, *how], check=True)  # noqa: S603  our own words
    # The compiler is to look at the types as well.
    made = TYPESCRIPT.read_text(encoding="utf-8").replace("// @ts-nocheck\n", "")
    TYPESCRIPT.write_text(f"// of {digest_of(schemas)}\n{made}", encoding="utf-8")


def main() -> int:
    """Writes both, or checks them; 1 where they are not of the description."""
    schemas = schemas_of(DESCRIPTION)
    if "--check" not in sys.argv[1:]:
        PYTHON.write_text(python_of(schemas), encoding="utf-8")
        write_typescript(schemas)
        return 0
    is_python = PYTHON.read_text(encoding="utf-8") == python_of(schemas)
    is_typescript = TYPESCRIPT.read_text(encoding="utf-8").startswith(f"// of {digest_of(schemas)}\n")
    if is_python and is_typescript:
        return 0
    sys.stderr.write("The clients are not of docs/openapi.json. Run: python clients/generate.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
