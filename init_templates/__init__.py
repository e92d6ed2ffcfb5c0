"""One file per artefact, in the init system's own syntax, readable as it will be installed.

It is imported as ``slashservice.init_templates``: ``pyproject.toml`` and the installer's launcher
map the folder there. There is a folder for each module of
:mod:`slashservice.installer.init_systems`.

A template that becomes a whole file must contain the words ``slashservice install``, as its
first comment does. By them the installer recognises the file as its own: it overwrites and
removes only such files (:data:`slashservice.installer.host.marks.OUR_FILE`). Templates that
become lines in somebody else's file don't need the words: marks around the lines say it.

``@name@`` is a hole, filled by :meth:`slashservice.installer.plan.init_system.Site.render`.
"""
