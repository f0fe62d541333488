//! The published documents of the protocols: each section that describes a call, and the name of the call.

/// An adapter and the documents that it implements.
#[derive(Debug)]
pub(crate) struct Protocol {
    /// Package without its prefix `relive-`, folder below `crates/`, folder below `tests/contracts/`, file below `docs/protocols/`.
    pub(crate) adapter: &'static str,
    /// The documents that describe the protocol.
    pub(crate) seeds: &'static [Seed],
    /// A member and the value it has in a successful reply. Callback paths have a reply of their own.
    pub(crate) success: &'static [(&'static str, i64)],
}

/// One published document.
#[derive(Debug)]
pub(crate) struct Seed {
    /// The name under which sources cite the document, such as `seed 003`.
    pub(crate) name: &'static str,
    /// The sections that describe a call: the section's number, or "" where the document has no numbers, and the name
    /// of the interface.
    pub(crate) sections: &'static [(&'static str, &'static str)],
}

/// All protocols.
pub(crate) const PROTOCOLS: &[Protocol] = &[
    Protocol {
        adapter: "minilvb-v1",
        seeds: &[
            Seed {
                name: "seed 000",
                sections: &[
                    // The document writes `RequstLVBAddr`: the same operation under a second spelling.
                    ("1", "RequestLVBAddr"),
                    ("2", "ChangeStatus"),
                    ("3", "ChangeCount"),
                    ("4", "FetchList"),
                    ("5", "GetCOSSign"),
                    ("6", "GetUserInfo"),
                ],
            },
            Seed {
                name: "seed 002",
                sections: &[
                    ("1", "RequestLVBAddr"),
                    ("2", "ChangeStatus"),
                    ("3", "ChangeCount"),
                    ("4", "FetchList"),
                    ("5", "GetCOSSign"),
                    ("6", "EnterGroup"),
                    ("7", "QuitGroup"),
                    ("8", "FetchGroupMemberList"),
                    ("9", "GetUserInfo"),
                ],
            },
        ],
        success: &[("returnValue", 0), ("code", 0)],
    },
    Protocol {
        adapter: "minilvb-v2",
        seeds: &[Seed {
            name: "seed 001",
            sections: &[
                ("1", "register"),
                ("2", "login"),
                ("3", "refresh"),
                ("4", "get_user_info"),
                ("5", "upload_user_info"),
                ("6", "get_vod_list"),
                ("7", "upload_room"),
                ("8", "upload_ugc"),
                ("9", "get_ugc_list"),
                ("10", "get_roomservice_sign"),
                ("11", "get_vod_sign"),
                ("12", "get_cos_sign"),
            ],
        }],
        success: &[("code", 200), ("code", 0)],
    },
    Protocol {
        adapter: "sxb",
        seeds: &[Seed {
            name: "seed 003",
            sections: &[
                ("一", "account/regist"),
                ("二", "account/login"),
                ("三", "live/create"),
                ("四", "live/reportroom"),
                ("五", "live/roomlist"),
                ("六", "live/reportmemid"),
                ("七", "live/roomidlist"),
                ("八", "live/heartbeat"),
                ("九", "live/request"),
                ("十", "live/reportstatus"),
                ("十一", "live/reportrecord"),
                ("十二", "live/exitroom"),
                ("十三", "live/recordlist"),
                ("十四", "live/livestreamlist"),
                ("十五", "live/getroomplayurl"),
                ("十六", "account/logout"),
                ("十七", "live/callback"),
            ],
        }],
        success: &[("errorCode", 0)],
    },
    Protocol {
        adapter: "qplus",
        seeds: &[Seed {
            name: "seed 004",
            sections: &[
                ("", "Login"),
                ("", "Register"),
                ("", "ModifyUserPwd"),
                ("", "ModifyUserInfo"),
                ("", "ModifyUserHeadPic"),
                ("", "GetLiveRoomList"),
                ("", "GetMyLiveRoomId"),
                ("", "GetMyLiveRoom"),
                ("", "ModifyMyLiveRoom"),
                ("", "CreateLiveRoom"),
                ("", "FollowLiveRoom"),
                ("", "PushLiveStream"),
                ("", "SearchLiveStream"),
                ("", "GetUserHeadPic"),
            ],
        }],
        success: &[("status", 10_000)],
    },
    Protocol {
        adapter: "roomservice",
        // Its document was never published whole; its calls are described by the contract.
        seeds: &[],
        success: &[("code", 0)],
    },
];

/// The protocol of an adapter.
#[cfg(test)]
pub(crate) fn protocol(adapter: &str) -> &'static Protocol {
    PROTOCOLS.iter().find(|protocol| protocol.adapter == adapter).unwrap()
}
