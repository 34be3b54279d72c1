/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst_decoder_impl.h"

#include "burst_dictionary.h"
#include <algorithm>
#include <chrono>
#include <gnuradio/block_registry.h>
#include <gnuradio/io_signature.h>
#include <limits>
#include <stdexcept>
#include <thread>

namespace gr {
namespace vqdeepsc {

namespace {

constexpr auto WAIT = std::chrono::milliseconds(5);

// Payload and coded bits of a frame of these transport blocks.
std::pair<size_t, size_t> frame_bits(const TransportBlocks& blocks)
{
    size_t payload_bits = 0, coded_bits = 0;
    for (const auto& block : blocks.blocks) {
        payload_bits += block.payload_bits;
        coded_bits += block.coded_bits;
    }
    return { payload_bits, coded_bits };
}

// Whether each transport block fills whole symbols.
bool in_symbols(const TransportBlocks& blocks, int bits_per_symbol)
{
    const auto whole = [bits_per_symbol](const TransportBlock& block) {
        return block.coded_bits % bits_per_symbol == 0;
    };
    return blocks.on_strong_bits || std::all_of(blocks.blocks.begin(), blocks.blocks.end(), whole);
}

// Refuses transport blocks that are none; which of them a frame has, its header says.
void check(const std::vector<TransportBlocks>& known)
{
    for (const auto& blocks : known) {
        const auto [payload_bits, coded_bits] = frame_bits(blocks);
        kernel::frame_blocks(payload_bits, coded_bits, 1, blocks);
    }
}

// Refuses profiles that are none.
std::vector<kernel::UepProfile> checked_profiles(
    const std::vector<std::pair<std::vector<double>, bool>>& given)
{
    std::vector<kernel::UepProfile> profiles;
    for (const auto& [factors, scaled] : given) {
        using Scaling = kernel::UepProfile::Scaling;
        profiles.push_back({ factors, scaled ? Scaling::REDUNDANCY : Scaling::NONE, true });
        if (const auto error = profiles.back().error(); !error.empty()) {
            throw std::invalid_argument(error);
        }
        if (factors.empty() || factors.size() >= kernel::EMBEDDED_PARTS) {
            throw std::invalid_argument("a UEP profile has " + std::to_string(factors.size()) +
                                        " factors, must have 1 to " +
                                        std::to_string(kernel::EMBEDDED_PARTS - 1));
        }
    }
    return profiles;
}

// Raises for what is no integer, and for one that an int does not hold.
int small_integer(const pmt::pmt_t& value)
{
    const long number = pmt::to_long(value);
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
        throw std::out_of_range(std::to_string(number));
    }
    return static_cast<int>(number);
}

} // namespace

burst_decoder::sptr burst_decoder::make(
    int iterations,
    const std::vector<TransportBlocks>& transport_blocks,
    size_t backlog,
    const std::vector<std::pair<std::vector<double>, bool>>& uep_profiles)
{
    if (backlog < 1) {
        throw std::invalid_argument("backlog is 0, must be at least 1");
    }
    check(transport_blocks);
    return gnuradio::make_block_sptr<burst_decoder_impl>(
        iterations, transport_blocks, backlog, checked_profiles(uep_profiles));
}

burst_decoder_impl::burst_decoder_impl(int iterations,
                                       const std::vector<TransportBlocks>& transport_blocks,
                                       size_t backlog,
                                       const std::vector<kernel::UepProfile>& uep_profiles)
    : gr::sync_block("burst_decoder",
                     gr::io_signature::make(1, 1, sizeof(float)),
                     gr::io_signature::make(0, 0, 0)),
      d_regions(pmt::intern("regions")),
      d_log(pmt::intern("log")),
      d_transport_blocks(transport_blocks),
      d_backlog(backlog),
      d_uep_profiles(uep_profiles),
      d_iterations(0)
{
    set_iterations(iterations);
    message_port_register_out(d_regions);
    message_port_register_out(d_log);
}

void burst_decoder_impl::set_iterations(int iterations)
{
    const int checked = kernel::checked_iterations(iterations);
    const std::lock_guard<std::mutex> lock(d_mutex);
    d_iterations = checked;
}

int burst_decoder_impl::iterations() const
{
    const std::lock_guard<std::mutex> lock(d_mutex);
    return d_iterations;
}

bool burst_decoder_impl::start()
{
    // A flowgraph that is run again counts its items from the beginning.
    if (nitems_read(0) == 0) {
        d_llrs.clear();
        d_filled = 0;
    }
    return gr::sync_block::start();
}

int burst_decoder_impl::work(int noutput_items,
                             gr_vector_const_void_star& input_items,
                             gr_vector_void_star&)
{
    if (must_wait()) {
        std::this_thread::sleep_for(WAIT);
        return 0;
    }
    const auto* llrs = static_cast<const float*>(input_items[0]);
    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, 0, noutput_items);
    std::sort(tags.begin(), tags.end(), gr::tag_t::offset_compare);
    int done = 0;
    auto tag = tags.begin();
    while (done < noutput_items) {
        int end = noutput_items;
        if (tag != tags.end()) {
            const int start = static_cast<int>(tag->offset - nitems_read(0));
            if (start == done) {
                begin(*tag++);
                continue;
            }
            end = start;
        }
        // Outside frames d_llrs is empty, and what comes is skipped.
        const int taken = static_cast<int>(std::min<size_t>(end - done, d_llrs.size() - d_filled));
        std::copy_n(llrs + done, taken, d_llrs.begin() + d_filled);
        d_filled += taken;
        if (!d_llrs.empty() && d_filled == d_llrs.size()) {
            decode();
            d_llrs.clear();
            d_filled = 0;
            if (must_wait()) {
                return done + taken;
            }
        }
        done = d_llrs.empty() ? end : done + taken;
    }
    return noutput_items;
}

// Whether a block behind the port "regions" lags so far behind that nothing may come on top.
bool burst_decoder_impl::must_wait()
{
    pmt::pmt_t targets = message_subscribers(d_regions);
    bool few = true;
    for (; pmt::is_pair(targets); targets = pmt::cdr(targets)) {
        const auto consumer = global_block_registry.block_lookup(pmt::caar(targets));
        // Read without a lock: a number that is wrong for a moment makes it wait, or pass, once.
        const size_t waiting = consumer->nmsgs(pmt::cdar(targets));
        few = few && waiting <= d_backlog / 2;
        if (waiting >= d_backlog) {
            if (!d_waited) {
                d_logger->warn(
                    "{:d} regions wait for {:s}; until they are taken, no more samples are",
                    d_backlog,
                    consumer->alias());
            }
            d_waited = true;
            return true;
        }
    }
    d_waited = d_waited && !few;
    return false;
}

// Makes room for the frame that a tag begins, or publishes why there is none.
void burst_decoder_impl::begin(const gr::tag_t& tag)
{
    if (pmt::eq(tag.key, pmt::intern("refused")) && pmt::is_dict(tag.value)) {
        message_port_pub(d_log, Dictionary(tag.value).add("header_ok", pmt::PMT_F).get());
    }
    if (!pmt::eq(tag.key, pmt::intern("frame"))) {
        return;
    }
    const pmt::pmt_t& frame = tag.value;
    d_llrs.clear();
    d_filled = 0;
    kernel::BurstHeader header;
    std::string error = read_frame(frame, header.frame);
    if (error.empty()) {
        try {
            const auto entry = [&frame](const char* key) {
                return pmt::dict_ref(frame, pmt::intern(key), pmt::PMT_NIL);
            };
            header.bits_per_symbol = small_integer(entry("bits_per_symbol"));
            header.payload_bits = small_integer(entry("payload_bits"));
            header.code_rate =
                kernel::code_rate_from_name(pmt::symbol_to_string(entry("code_rate")));
            header.uep_profile = small_integer(entry("uep_profile"));
            header.redundancy_version = small_integer(entry("redundancy_version"));
            error = header.error();
        } catch (const std::exception&) {
            error = "it does not say how it is coded";
        }
    }
    if (!error.empty()) {
        d_logger->error("a frame was not decoded: {:s}", error);
        return;
    }
    error = prepare_decoders(header);
    if (!error.empty()) {
        message_port_pub(
            d_log,
            Dictionary(frame).add("header_ok", pmt::PMT_F).add("error", pmt::intern(error)).get());
        return;
    }
    d_frame = frame;
    d_header = header;
    d_llrs.resize(header.coded_bits());
}

// The known lists of transport blocks that a header may mean.
std::vector<TransportBlocks> burst_decoder_impl::transport_blocks(
    const kernel::BurstHeader& header) const
{
    // The header's number is that of a few lists, which mostly differ in their bits.
    std::vector<TransportBlocks> found;
    const auto add = [&found, &header](const TransportBlocks& blocks) {
        if (kernel::uep_profile_id(blocks) == header.uep_profile &&
            std::find(found.begin(), found.end(), blocks) == found.end()) {
            found.push_back(blocks);
        }
    };
    const std::pair<size_t, size_t> bits(header.payload_bits, header.coded_bits());
    for (const auto& blocks : d_transport_blocks) {
        if (frame_bits(blocks) == bits && in_symbols(blocks, header.bits_per_symbol)) {
            add(blocks);
        }
    }
    const auto parts = kernel::embedded_part_bits(header.payload_bits);
    for (const auto& profile : d_uep_profiles) {
        try {
            add(kernel::uep_transport_blocks(
                parts, header.coded_bits(), header.bits_per_symbol, profile));
        } catch (const std::invalid_argument&) {
            continue; // nobody can send frames of this format with it
        }
    }
    return found;
}

// Makes decoders for frames with such a header, or says why it cannot.
std::string burst_decoder_impl::prepare_decoders(const kernel::BurstHeader& header)
{
    if (!d_decoders.empty() && header.coded_as(d_header)) {
        return {};
    }
    d_decoders.clear();
    std::vector<TransportBlocks> lists(1); // without a number, a single transport block
    if (header.uep_profile != 0) {
        lists = transport_blocks(header);
    }
    if (lists.empty()) {
        return "the burst has transport blocks that are not known here";
    }
    try {
        for (const auto& blocks : lists) {
            d_decoders.emplace_back(header.payload_bits,
                                    header.coded_bits(),
                                    header.bits_per_symbol,
                                    0,
                                    iterations(),
                                    blocks);
        }
    } catch (const std::invalid_argument& error) {
        d_decoders.clear();
        return error.what();
    }
    return {};
}

// Decodes with each list of transport blocks that the frame may have; the right one fails least.
kernel::TransportDecoderResult burst_decoder_impl::decode(const kernel::Copies& copies,
                                                          std::vector<float>& posterior)
{
    auto best = decode(d_decoders.front(), copies, posterior);
    std::vector<float> other(posterior.size());
    for (size_t i = 1; i < d_decoders.size() && best.block_errors; i++) {
        const auto result = decode(d_decoders[i], copies, other);
        if (result.block_errors * best.blocks < best.block_errors * result.blocks) {
            best = result;
            posterior.swap(other);
        }
    }
    return best;
}

kernel::TransportDecoderResult burst_decoder_impl::decode(kernel::FrameDecoder& decoder,
                                                          const kernel::Copies& copies,
                                                          std::vector<float>& posterior)
{
    decoder.reset();
    for (size_t version = 0; version < copies.llrs.size(); version++) {
        if (!copies.llrs[version].empty()) {
            decoder.add_llrs(static_cast<int>(version), copies.llrs[version].data());
        }
    }
    return decoder.decode_combined(nullptr, posterior.data());
}

void burst_decoder_impl::decode()
{
    for (auto& decoder : d_decoders) {
        decoder.set_iterations(iterations());
    }
    kernel::Copies copies;
    copies.bursts = 1;
    copies.llrs[d_header.redundancy_version] = d_llrs;
    std::vector<float> posterior(d_header.payload_bits);
    auto result = decode(copies, posterior);
    if (result.block_errors) {
        auto combined = d_copies.combined(d_header, d_llrs);
        std::vector<float> combined_posterior(d_header.payload_bits);
        if (combined.bursts > 1) {
            const auto together = decode(combined, combined_posterior);
            // Bursts of one header that help each other have the same payload.
            if (together.block_errors <= result.block_errors) {
                result = together;
                copies = std::move(combined);
                posterior.swap(combined_posterior);
            }
        }
    }
    const auto copies_pmt = pmt::from_long(copies.bursts);
    if (result.block_errors) {
        d_copies.keep(d_header, std::move(copies));
    } else {
        d_copies.forget(d_header);
    }
    const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
    message_port_pub(
        d_regions,
        pmt::cons(Dictionary(frame_dictionary(d_header.frame))
                      .add("copies", copies_pmt)
                      .add("block_errors", pmt::from_long(result.block_errors))
                      .add("redundancy_version", pmt::from_long(d_header.redundancy_version))
                      .add("snr_db", pmt::dict_ref(d_frame, pmt::intern("snr_db"), pmt::PMT_NIL))
                      .add("decoded", pmt::from_double(now.count()))
                      .get(),
                  pmt::init_f32vector(posterior.size(), posterior)));
    message_port_pub(d_log,
                     Dictionary(d_frame)
                         .add("header_ok", pmt::PMT_T)
                         .add("copies", copies_pmt)
                         .add("block_errors", pmt::from_long(result.block_errors))
                         .add("blocks", pmt::from_long(result.blocks))
                         .add("iterations", pmt::from_double(result.iterations))
                         .get());
}

} // namespace vqdeepsc
} // namespace gr
