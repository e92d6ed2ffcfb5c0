"""One file per artefact, in the init system's own syntax, readable as it will be installed.

A template that becomes a whole file must contain the words ``slashservice install``, as its
first comment does. By them the installer recognises the file as its own: it overwrites and
removes only such files (:data:`slashservice.installer.host.marks.OUR_FILE`). Templates that
become lines in somebody else's file don't need the words: marks around the lines say it.

``@name@`` is a hole, filled by :meth:`slashservice.installer.plan.init_system.Site.render`.
"""
