"""The policy: who may see and change which assets and fields, as Cedar rules and TOML tables, and their evaluation."""
