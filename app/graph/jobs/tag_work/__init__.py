"""The work of the tag job on one tag: its worklist by caller, the turns of worklists, and the carriers of the tag."""
