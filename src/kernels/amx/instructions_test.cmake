# That the program has AMX's instructions with the tiles where packed_amx.h puts them: nothing at hand can run
# them. cmake -D OBJDUMP=... -D PROGRAM=... -P instructions_test.cmake
execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${PROGRAM} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
foreach(instruction
    "sttilecfg" "ldtilecfg" "tilezero +%tmm0" "tilezero +%tmm3" "tilestored +%tmm3,\\("
    "tileloadd +\\([^)]*,1\\),%tmm4" "tileloadd +\\([^)]*,1\\),%tmm7"
    # Two by two sums, then four beside each other: columns, rows, sums.
    "tdpbusd +%tmm6,%tmm4,%tmm0" "tdpbusd +%tmm7,%tmm5,%tmm3" "tdpbusd +%tmm5,%tmm4,%tmm3"
    "tdpbf16ps +%tmm6,%tmm4,%tmm0" "tdpbf16ps +%tmm7,%tmm5,%tmm3" "tdpbf16ps +%tmm5,%tmm4,%tmm3")
  if(NOT text MATCHES "${instruction}")
    message(FATAL_ERROR "${PROGRAM}: no instruction like '${instruction}'")
  endif()
endforeach()
