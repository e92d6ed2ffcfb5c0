# A stand-in for the framework of FreeBSD's ports, bsd.port.mk, which Debian does not have.
#
# It knows what this one port uses, is strict about what a port must say, and stages: `bmake stage`
# with WRKSRC, STAGEDIR, TMPPLIST, PYTHON_CMD given. The words are those of the framework.

.for name in PORTNAME DISTVERSION CATEGORIES MAINTAINER COMMENT LICENSE RUN_DEPENDS USES
.if empty(${name})
.error ${name} is not set
.endif
.endfor
.if !empty(COMMENT:M*.) || ${COMMENT:[#]} > 12
.error COMMENT is too long, or ends with a dot
.endif
.if empty(USES:Mpython\:*)
.error USES has no python
.endif

PREFIX?=	/usr/local
MKDIR=		mkdir -p
HERE:=		${.PARSEDIR}
FIND=		sh ${HERE}/find-stand-in
INSTALL_MAN=	install -m 644
PYTHON_SITELIBDIR=	${PREFIX}/lib/python3.11/site-packages
PYTHON_PKGNAMEPREFIX=	py311-
PY_FLAVOR=	py311

stage: do-install post-install
	find ${STAGEDIR}${PREFIX}/share/man -type f -exec gzip -9n {} +

show:
	@echo ${PORTNAME} ${DISTVERSION}
	@echo "${RUN_DEPENDS}"
	@echo ${LICENSE_FILE}

.PHONY: stage show do-install post-install
