;; Written by `slashservice install`; `slashservice uninstall` takes it away.
(define svscan
  (service
    '(svscan)
    #:documentation "svscan: the services in @service_dir@"
    #:start (make-forkexec-constructor '(@words@))
    ;; On TERM svscan takes all services down, then their logs, and only then exits.
    #:stop (make-kill-destructor #:grace-period @stop_limit@)
    #:respawn? #t))

(register-services (list svscan))
(start-in-the-background '(svscan))
