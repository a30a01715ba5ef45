# heed_bench measures and belongs to no test run; the test of this folder only sees whether it works.
add_executable(heed_bench tests/bench/date_models.cpp tests/bench/dates.cpp tests/bench/gemm.cpp tests/bench/growth.cpp
               tests/bench/heed_bench.cpp tests/bench/micro.cpp tests/bench/peak.cpp tests/bench/recurrent.cpp)
target_link_libraries(heed_bench PRIVATE heed_examples heed_options)
set_property(SOURCE tests/bench/peak.cpp APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=fast)

heed_test(bench heed_bench_test.cpp)
set_property(SOURCE tests/bench/heed_bench_test.cpp APPEND PROPERTY
             COMPILE_DEFINITIONS HEED_PROGRAMS="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
add_dependencies(test_bench heed_bench)
