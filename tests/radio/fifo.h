/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

/*! A FIFO of the file system, open at both ends, with a limit of time for everything. */
class Fifo
{
public:
    explicit Fifo(const std::string& path)
    {
        if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) {
            throw std::runtime_error("loopback: cannot make the FIFO " + path);
        }
        // Open at both ends, so that neither process waits for the other.
        d_file = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (d_file < 0) {
            throw std::runtime_error("loopback: cannot open the FIFO " + path);
        }
    }
    Fifo(const Fifo&) = delete;
    Fifo& operator=(const Fifo&) = delete;
    ~Fifo() { close(d_file); }

    /* Adds to bytes until there are count of them; false where that takes longer. */
    bool read(std::vector<char>& bytes, std::size_t count, long timeout_us)
    {
        const auto deadline =
            std::chrono::steady_clock::now() + std::chrono::microseconds(timeout_us);
        while (bytes.size() < count) {
            const std::size_t filled = bytes.size();
            bytes.resize(count);
            const ssize_t done = ::read(d_file, bytes.data() + filled, count - filled);
            bytes.resize(filled + std::max<ssize_t>(done, 0));
            if (done <= 0 && !wait(POLLIN, deadline)) {
                return false;
            }
        }
        return true;
    }

    /* Takes bytes away from the front until none is left; false where that takes longer. */
    bool write(std::vector<char>& bytes, long timeout_us)
    {
        const auto deadline =
            std::chrono::steady_clock::now() + std::chrono::microseconds(timeout_us);
        while (!bytes.empty()) {
            const ssize_t done = ::write(d_file, bytes.data(), bytes.size());
            bytes.erase(bytes.begin(), bytes.begin() + std::max<ssize_t>(done, 0));
            if (done <= 0 && !wait(POLLOUT, deadline)) {
                return false;
            }
        }
        return true;
    }

private:
    bool wait(short events, std::chrono::steady_clock::time_point deadline)
    {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd file{ d_file, events, 0 };
        return left.count() > 0 && poll(&file, 1, static_cast<int>(left.count())) > 0;
    }

    int d_file;
};
