"""The installer: find the init system that runs a host, and wire ``svscanboot`` into it.

It is imported as ``slashservice.installer``: ``pyproject.toml`` and its launcher map the folder
there, as pip has a package of its own called ``installer``.

A room is a folder, or a module here. Each imports only those that its line names:

=================== ============================================================================
``errors``          nothing
``orphans``         nothing
``streams``         nothing
``waiting``         streams
``supervision``     orphans, waiting
``boot_verbs``      streams, waiting, supervision
``host``            errors
``detection``       errors, host
``plan``            errors, streams, supervision, host, detection
``init_systems``    errors, host, detection, plan
``record``          errors, interrupts, supervision, host, detection, plan
``interrupts``      nothing
``service_log``     errors, host, logs
``naming``          errors, supervision, host
``programs``        errors, host
``trial``           nothing
``written``         host
``making``          errors, interrupts, supervision, host, naming, service_log, programs, written
``starting``        supervision, host, service_log, trial, making
``services``        errors, interrupts, host, naming, service_log, written, making, starting
``converters``      errors, supervision, interrupts, host, detection, naming, service_log, written,
                    making, starting, services
``stopping``        errors, waiting, supervision
``renewing``        errors, waiting, supervision, host, stopping
``changes``         errors, host, written, making
``changing``        errors, interrupts, supervision, host, naming, service_log, written, making,
                    starting, services, renewing, changes
``removal``         errors, interrupts, supervision, host, naming, making, stopping
``starters``        errors, host, detection, plan
``remote``          errors, host, plan
``log_scripts``     nothing
``log_directories`` host, log_scripts
``logs``            host, log_directories
``vigil``           supervision, host, plan
``status``          errors, supervision, host, logs, plan, record, vigil, waiting
``findings``        supervision, host, detection, plan, record
``noted``           host, plan, record
``scanned``         host, findings, logs, noted, vigil, waiting
``doctor``          errors, supervision, host, detection, findings, scanned, plan, record, status
``brought``         errors, supervision, host, services, stopping
``package_hooks``   supervision, host, detection, plan, record, init_systems, brought
``cli``             all of them
=================== ============================================================================

So the evidence about a host (``detection``) leads to a verdict, the verdict to a plan
(``plan``), and the plan to a receipt (``record``). What is known of each init system
(``init_systems``) is handed to the functions that need it: detection and planning know what
an init system is, and none of them by name.

``cli.start``, ``boot_verbs``, ``supervision``, ``streams``, ``waiting`` and ``orphans`` import the
standard library and ``slashservice.supervise`` alone: init systems call them while a machine boots
and stops.
"""
