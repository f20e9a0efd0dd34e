"""Validates a list of components against the schema of CycloneDX; runs in the environment of the audit tools."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text("utf-8"))
if fault is not None:
    sys.exit(f"{sys.argv[1]} is no valid CycloneDX document: {fault}")
