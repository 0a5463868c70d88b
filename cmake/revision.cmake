# SPDX-License-Identifier: GPL-2.0-or-later
# Script, run with every build: cmake -D SOURCE=DIR -D HEADER=FILE -P revision.cmake
# The header changes when the commit does, so that only then something is compiled again.
cmake_minimum_required(VERSION 3.25)
set(revision unknown)
find_program(GIT git)
if(GIT)
	execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --verify HEAD
		OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
	if(NOT failed)
		execute_process(COMMAND ${GIT} -C ${SOURCE} diff-index --quiet HEAD --
			OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE dirty)
		set(revision ${head})
		if(dirty)
			string(APPEND revision -dirty)
		endif()
	endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define NVRIG_REVISION \"@revision@\"\n" @ONLY)
