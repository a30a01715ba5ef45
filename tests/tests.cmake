# Catch2 as it is installed, version 3 or 2; else version 3 fetched at a pinned release.
find_package(Catch2 QUIET)
if(NOT Catch2_FOUND)
  include(FetchContent)
  FetchContent_Declare(Catch2 GIT_REPOSITORY https://github.com/catchorg/Catch2.git GIT_TAG v3.5.4 GIT_SHALLOW TRUE)
  find_package(Git QUIET)
  execute_process(COMMAND ${GIT_EXECUTABLE} ls-remote --exit-code https://github.com/catchorg/Catch2.git v3.5.4
                  RESULT_VARIABLE catch2_unreachable OUTPUT_QUIET ERROR_QUIET TIMEOUT 20)
  if(NOT GIT_FOUND OR catch2_unreachable)
    message(FATAL_ERROR "The tests need Catch2, which is neither installed nor to be fetched.\n"
                        "Install the package catch2 (Debian: apt-get install catch2), or build without tests: -DHEED_TESTS=OFF")
  endif()
  FetchContent_MakeAvailable(Catch2)
endif()

add_library(heed_test_main STATIC tests/main.cpp)
# Tests are compiled longer than they run.
set(test_options $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)
target_compile_options(heed_test_main PRIVATE ${test_options})
target_precompile_headers(heed_test_main PRIVATE tests/catch.h)
if(TARGET Catch2::Catch2WithMain)
  target_link_libraries(heed_test_main PUBLIC Catch2::Catch2WithMain heed_options)
else()
  target_link_libraries(heed_test_main PUBLIC Catch2::Catch2 heed_options)
endif()

enable_testing()
# heed_test(FOLDER SOURCES...): one test program a folder, named test_FOLDER.
function(heed_test folder)
  list(TRANSFORM ARGN PREPEND tests/${folder}/)
  add_executable(test_${folder} ${ARGN})
  target_precompile_headers(test_${folder} REUSE_FROM heed_test_main)
  target_link_libraries(test_${folder} PRIVATE heed_test_main heed_examples_more heed::heed)
  target_compile_options(test_${folder} PRIVATE ${test_options})
  add_test(NAME ${folder} COMMAND test_${folder} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

heed_test(core
  arrange_test.cpp
  attention_test.cpp
  circular_test.cpp
  cumulative_test.cpp
  elementwise_test.cpp
  error_test.cpp
  file_test.cpp
  flame_graph_test.cpp
  functions_test.cpp
  index_test.cpp
  indices_test.cpp
  json_test.cpp
  kernel_attention_test.cpp
  kernel_fused_test.cpp
  kernel_gru_test.cpp
  kernel_loops_test.cpp
  kernels_test.cpp
  kernels_wide.cpp
  layer_norm_test.cpp
  lstm_test.cpp
  mask_test.cpp
  matmul_test.cpp
  names_test.cpp
  parallel_test.cpp
  plot_columns_test.cpp
  plot_test.cpp
  print_test.cpp
  random_test.cpp
  recurrent_test.cpp
  reduce_test.cpp
  serialize_test.cpp
  shape_test.cpp
  softmax_test.cpp
  sort_test.cpp
  source_location_test.cpp
  sparsemax_test.cpp
  storage_test.cpp
  subnormals_test.cpp
  table_test.cpp
  tensor_test.cpp
  tensor_view_test.cpp
  truth_test.cpp
  utf8_test.cpp
  value_text_test.cpp
  words_test.cpp)
# The 64-byte kernels for a processor that may have none: lowered to what it has.
set_property(SOURCE tests/core/kernels_wide.cpp APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=fast -Wno-psabi)
set_property(SOURCE tests/core/kernels_wide.cpp PROPERTY SKIP_PRECOMPILE_HEADERS ON)
heed_test(autograd
  addressing_op_test.cpp
  array_fixture_test.cpp
  array_ops_test.cpp
  attention_op_test.cpp
  backward_test.cpp
  checkpoint_test.cpp
  custom_test.cpp
  einsum_test.cpp
  elementwise_op_test.cpp
  functional_test.cpp
  gradcheck_test.cpp
  hooks_test.cpp
  lifetime_test.cpp
  losses_op_test.cpp
  observer_test.cpp
  op_table_test.cpp
  record_test.cpp
  saved_values_test.cpp
  softmax_op_test.cpp
  var_test.cpp
  inspect/anomaly_test.cpp
  inspect/breakpoint_test.cpp
  inspect/debugger_console_test.cpp
  inspect/debugger_test.cpp
  inspect/explain_test.cpp
  inspect/formulas_test.cpp
  inspect/graph_drawing_test.cpp
  inspect/graph_layout_test.cpp
  inspect/graph_scene_test.cpp
  inspect/layered_layout_test.cpp
  inspect/replay_test.cpp
  inspect/statistics_test.cpp
  inspect/trace_test.cpp
  inspect/value_grid_test.cpp
  profile/flops_test.cpp
  profile/profile_test.cpp)
heed_test(layers
  attention_maps_test.cpp
  attention_positions_test.cpp
  attention_test.cpp
  beam_search_test.cpp
  cached_decoding_test.cpp
  checks_batch_test.cpp
  checks_test.cpp
  copying_test.cpp
  coverage_test.cpp
  decoding_test.cpp
  feed_forward_test.cpp
  gate_orders_test.cpp
  gru_test.cpp
  key_value_cache_test.cpp
  language_model_test.cpp
  linear_test.cpp
  lstm_test.cpp
  masked_language_model_test.cpp
  model_decoding_test.cpp
  model_overview_test.cpp
  module_test.cpp
  multi_head_attention_test.cpp
  norm_test.cpp
  ntm_memory_test.cpp
  ntm_test.cpp
  positions_test.cpp
  recurrent_dropout_test.cpp
  recurrent_seq2seq_test.cpp
  recurrent_stack_test.cpp
  sampling_test.cpp
  scheduled_sampling_test.cpp
  scored_attention_test.cpp
  self_attention_test.cpp
  seq2seq_test.cpp
  tied_weights_test.cpp
  time_layers_test.cpp
  transformer_checkpoint_test.cpp
  transformer_layers_test.cpp
  transformer_test.cpp
  truncation_test.cpp
  vision_transformer_test.cpp
  inspect/anomaly_in_models_test.cpp
  inspect/attention_page_test.cpp
  inspect/attention_recording_test.cpp
  inspect/attention_statistics_test.cpp
  inspect/gradient_flow_test.cpp
  inspect/gradient_report_test.cpp
  inspect/intermediates_test.cpp
  inspect/profile_in_models_test.cpp)
heed_test(optim
  adam_test.cpp
  optimizer_test.cpp
  schedule_test.cpp
  sgd_test.cpp
  trainer_test.cpp)
heed_test(data
  bpe_tokenizer_test.cpp
  images_test.cpp
  loader_test.cpp
  masking_test.cpp
  metrics_test.cpp
  pairs_test.cpp
  split_test.cpp
  text_test.cpp
  tokenizer_test.cpp
  vocabulary_test.cpp
  word_tokenizer_test.cpp
  tasks/copying_test.cpp
  tasks/dates_test.cpp
  tasks/number_words_test.cpp
  tasks/sentences_test.cpp
  tasks/shapes_test.cpp
  tasks/sums_test.cpp)
heed_test(examples
  comparison_test.cpp
  flags_test.cpp
  progress_test.cpp
  report_test.cpp
  self_attention_by_hand_test.cpp)
heed_test(meta
  op_coverage_test.cpp
  source_rules_test.cpp)
# The table of gradient checks: its rows are run by one program, and counted by another.
add_library(heed_op_table OBJECT tests/autograd/op_table.cpp tests/autograd/op_table_elementwise.cpp
            tests/autograd/op_table_extents.cpp tests/autograd/op_table_reductions.cpp
            tests/autograd/op_table_shapes.cpp)
target_link_libraries(heed_op_table PRIVATE heed_test_main heed_examples_more heed::heed)
target_compile_options(heed_op_table PRIVATE ${test_options})
target_link_libraries(test_autograd PRIVATE heed_op_table)
target_link_libraries(test_meta PRIVATE heed_op_table)
heed_test(end_to_end
  attention_viewer_test.cpp
  comparison_test.cpp
  copy_task_test.cpp
  explain_backward_test.cpp
  inspect_gradients_test.cpp
  program_test.cpp
  recurrent_models_test.cpp
  step_through_test.cpp
  training_test.cpp)
set_property(SOURCE tests/end_to_end/attention_viewer_test.cpp tests/end_to_end/comparison_test.cpp tests/end_to_end/copy_task_test.cpp
             tests/end_to_end/explain_backward_test.cpp tests/end_to_end/inspect_gradients_test.cpp tests/end_to_end/program_test.cpp tests/end_to_end/step_through_test.cpp APPEND PROPERTY
             COMPILE_DEFINITIONS HEED_PROGRAMS="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
add_dependencies(test_end_to_end addition attention_viewer copy_task custom_operation date_conversion explain_backward inspect_gradients language_model masked_language_model
                 seq2seq_tour step_through transformer_translate vit_shapes)
include(tests/bench/bench.cmake)
